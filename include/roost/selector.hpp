// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/attempt.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/item_batch.hpp>
#include <roost/detail/select_case.hpp>
#include <roost/detail/select_first.hpp>
#include <roost/select.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

/// A select whose cases come and go. Each call makes exactly one case happen, calls its handler
/// and returns the key under which it was added.
///
///     roost::selector all;
///     for (auto& rx : inputs) all.add(roost::on_receive(rx, [&](auto r) { if (r) use(*r); }));
///     while (!all.empty()) all.select();       // until all channels are closed and empty
///
/// A case goes by itself when it has happened for the last time: on_receive when its channel is
/// closed and empty, on_send, on_set, on_done, on_timeout and on_deadline when they have happened;
/// on_tick never (so with one, wait for something else than empty()). A timeout counts from when
/// its case is made. Handlers may add and remove cases, their own included.
///
/// Lifetime: it keeps copies of the ends of channels, which count as any (so a channel does not
/// close by itself while a case sends to it), and the items to be sent, which go with their case if
/// they could not be, and tasks beyond their handles. Events, wait groups and tickers are referred
/// to and must outlive their cases.
/// Threads: one at a time. Cancellation, errors: as select(); a case that could not be added has
/// left its item in its variable. Cost: add() allocates; selects do not, but for a channel's own
/// room. A select that has to wait, and add() and remove(), take time proportional to the number of
/// cases.
class selector {
 public:
  selector() = default;
  ~selector() {
    while (!empty())
      erase(size() - 1);
  }
  selector(const selector&) = delete;
  selector& operator=(const selector&) = delete;

  /// Adds a case, behind those that are there. The key is never used again.
  template <class Case>
  std::size_t add(Case&& c);

  /// Removes a case. False if it was gone already.
  bool remove(std::size_t key) noexcept;

  bool empty() const noexcept { return cases_.empty(); }
  std::size_t size() const noexcept { return cases_.size(); }

  /// Waits until one case has happened; fair among those that can at once.
  std::size_t select(site where = site::current()) {
    return *select_until(detail::no_deadline, where);
  }

  /// The same, but the case added first takes precedence.
  std::size_t select_biased(site where = site::current());

  /// Nothing when the time passed first.
  std::optional<std::size_t> select_for(detail::any_duration timeout,
                                        site where = site::current()) {
    return select_until(detail::deadline_after(timeout), where);
  }
  std::optional<std::size_t> select_until(detail::any_time_point deadline,
                                          site where = site::current());

  /// Never waits, ignores stops: nothing if no case could happen.
  std::optional<std::size_t> try_select();

 private:
  struct keyed_case {
    std::size_t key;
    std::shared_ptr<detail::select_case> what; // shared with a call of its handler
  };

  // `asked` is in_order_ or in_turn_.
  std::optional<std::size_t> run(std::vector<detail::attempt*>& asked,
                                 detail::turn order,
                                 detail::patience how_long,
                                 clock::time_point deadline,
                                 const site& where);
  std::ptrdiff_t place_by_lock(const detail::attempt& what) const noexcept;
  void erase(std::size_t index) noexcept;

  // All four hold the same cases.
  std::vector<keyed_case> cases_;          // in the order they were added
  std::vector<detail::attempt*> in_order_; // likewise
  std::vector<detail::attempt*> in_turn_;  // as the last draw left them
  std::vector<detail::attempt*> by_lock_;  // sorted
  std::size_t last_key_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class Case>
std::size_t selector::add(Case&& c) {
  constexpr bool is_case = detail::is_case<std::remove_cvref_t<Case>>;
  constexpr bool is_lvalue = std::is_lvalue_reference_v<Case>;
  constexpr bool is_otherwise = detail::is_otherwise<std::remove_cvref_t<Case>>;
  static_assert(is_case,
                "roost::selector::add: its argument is a case, made by on_receive, on_send, "
                "on_set, on_done, on_tick, on_timeout or on_deadline");
  static_assert(!is_case || !is_lvalue,
                "roost::selector::add: write the case into the call itself; it refers to what it "
                "is made from until it is added");
  static_assert(!is_otherwise,
                "roost::selector::add: instead of adding `otherwise` call try_select(), which also "
                "ignores stops");
  if constexpr (is_case && !is_lvalue && !is_otherwise) {
    detail::make_room(cases_, 1);
    for (auto* const list : {&in_order_, &in_turn_, &by_lock_})
      detail::make_room(*list, 1);
    // The item of an on_send leaves its variable here; from here on nothing can fail.
    auto kept = std::make_shared<Case>(detail::keep_t{}, std::forward<Case>(c));
    detail::attempt* const what = kept->what();
    in_order_.push_back(what);
    in_turn_.push_back(what);
    by_lock_.insert(by_lock_.begin() + place_by_lock(*what), what);
    cases_.push_back({++last_key_, std::move(kept)});
  }
  return last_key_;
}

inline std::ptrdiff_t selector::place_by_lock(const detail::attempt& what) const noexcept {
  std::size_t first = 0;
  for (std::size_t end = by_lock_.size(); first < end;) {
    const std::size_t middle = first + (end - first) / 2;
    if (detail::before_by_lock(*by_lock_[middle], what)) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return static_cast<std::ptrdiff_t>(first);
}

inline bool selector::remove(std::size_t key) noexcept {
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    if (cases_[i].key == key) {
      erase(i);
      return true;
    }
  }
  return false;
}

inline void selector::erase(std::size_t index) noexcept {
  const detail::attempt* const what = in_order_[index];
  const std::shared_ptr<detail::select_case> gone = std::move(cases_[index].what);
  cases_.erase(cases_.begin() + static_cast<std::ptrdiff_t>(index));
  std::erase(in_order_, what);
  std::erase(in_turn_, what);
  std::erase(by_lock_, what);
}

inline std::size_t selector::select_biased(site where) {
  detail::throw_if_stopped();
  return *run(in_order_, detail::turn::biased, detail::patience::wait, detail::no_deadline, where);
}

inline std::optional<std::size_t> selector::select_until(detail::any_time_point deadline,
                                                         site where) {
  detail::throw_if_stopped();
  return run(in_turn_, detail::turn::fair, detail::patience::wait, deadline, where);
}

inline std::optional<std::size_t> selector::try_select() {
  return run(in_turn_, detail::turn::fair, detail::patience::try_only, detail::no_deadline, {});
}

inline std::optional<std::size_t> selector::run(std::vector<detail::attempt*>& asked,
                                                detail::turn order,
                                                detail::patience how_long,
                                                clock::time_point deadline,
                                                const site& where) {
  const detail::first_ended first = detail::select_first(
      asked, by_lock_, order, how_long, {"selector::select", {}, where}, deadline);
  if (first.end == detail::wait_state::stopped)
    detail::raise_stop();
  if (first.which == nullptr)
    return std::nullopt;
  std::size_t index = 0;
  while (in_order_[index] != first.which)
    ++index;
  const std::size_t key = cases_[index].key;
  const std::shared_ptr<detail::select_case> what = cases_[index].what;
  if (what->is_over())
    erase(index);
  what->run();
  return key;
}

} // namespace roost::inline v0
