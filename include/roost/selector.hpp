// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/plain_list.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/select/case_timers.hpp>
#include <roost/detail/select/outside_cases.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/detail/select/select_first.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/select.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

namespace detail {
struct select_probe; // the tests' window
} // namespace detail

/// A select whose cases come and go. Each call makes exactly one case happen, calls its handler
/// and returns the key under which it was added.
///
/// ```cpp
/// roost::selector all;
/// for (auto& rx : inputs) all.add(roost::on_receive(rx, [&](auto r) { if (r) use(*r); }));
/// while (!all.empty()) all.select();       // until all channels are closed and empty
/// ```
///
/// A case goes by itself when it has happened for the last time: on_receive when its channel is
/// closed and empty, on_change when its watch is, and on_send, on_set, on_done, on_phase_end,
/// on_timeout and on_deadline when they have happened; on_tick, on_readable, on_writable and
/// on_signal never (so with one of them, do not loop until empty()). A timeout counts from when its
/// case is made. Handlers may add and remove cases, their own included.
///
/// Lifetime: it keeps copies of the ends of channels, which count like any other (so a channel does
/// not close by itself while a case sends to it); the items to be sent, which are destroyed with
/// their case if they were not sent; and tasks, even when their handles are gone. It only refers to
/// events, wait groups, barriers, tickers and signal_watches, which must outlive their cases.
/// Threads: one at a time. Cancellation, errors: as select(); a case that could not be added leaves
/// its item in its variable. Cost: add() allocates; selects do not, except for a channel's own
/// room. Timers (on_timeout, on_deadline and on_tick) are asked when they are due and not before:
/// thousands of them cost a select one look at the clock, and add() and remove() logarithmic time.
/// A select that has to wait takes time proportional to the number of the other cases, each of
/// which it asks; add() and remove() of such a case move some pointers for each of the others.
class selector {
 public:
  /// Without cases.
  selector() = default;
  /// The cases go, with what they keep.
  ~selector();
  selector(const selector&) = delete;
  selector& operator=(const selector&) = delete;

  /// Adds a case, after those that are there. The key is never used again.
  template <class Case>
  std::size_t add(Case&& c);

  /// Removes a case. False if it was gone already.
  bool remove(std::size_t key) noexcept;

  /// True if it has no case: then select() would wait until the task is stopped.
  bool empty() const noexcept { return size() == 0; }
  /// How many cases it has.
  std::size_t size() const noexcept {
    const std::size_t outside = outside_ != nullptr ? outside_->size() - 1 : 0; // without any()
    return lockables_.size() + timers_.size() + outside;
  }

  /// Waits until one case has happened; fair among those that can happen at once.
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
  /// The same until a point in time.
  std::optional<std::size_t> select_until(detail::any_time_point deadline,
                                          site where = site::current());

  /// Never waits, ignores stops: nothing if no case could happen.
  std::optional<std::size_t> try_select();

 private:
  friend struct detail::select_probe;

  struct keyed_case {
    std::size_t key;
    detail::kept_case* kept; // owned; null once it is removed
  };

  std::optional<std::size_t>
  run(detail::turn order, detail::patience how_long, clock::time_point deadline, const site& where);
  detail::kept_case* try_at_hand(detail::turn order, detail::view<detail::kept_case* const> ready);
  detail::kept_case& lockable_of(const detail::operation& what) const noexcept;

  std::size_t place_by_lock(const detail::operation& what) const noexcept;
  template <class Set>
  detail::outside_cases& outside();
  void make_room_for_lockable();
  void add_lockable(detail::kept_case& kept) noexcept;
  std::size_t index_of(std::size_t key) const noexcept;
  void erase(std::size_t index) noexcept;
  void forget_removed() noexcept;

  // In the order of their keys, including removed ones, of which there are never more than others.
  detail::plain_list<keyed_case> cases_;
  std::size_t last_key_ = 0;

  // Each case is in timers_, in the outside set, or among the lockables, which are in all four
  // lists below. One more lockable stands for the outside set: that any case of it can happen.
  detail::case_timers timers_;
  detail::plain_list<detail::kept_case*> lockables_; // in the order they were added
  detail::plain_list<detail::operation*> in_order_;  // likewise
  detail::plain_list<detail::operation*> in_turn_;   // as the last draw left them
  detail::plain_list<detail::operation*> by_lock_;   // sorted
  detail::outside_cases* outside_ = nullptr;         // owned; null before the first of its cases
};

// --- implementation ---------------------------------------------------------
// A pass over the cases asks the lockables, each under its lock, and of the timers those that are
// due. A timer that is due happens if it is asked (unless another thread takes the tick), so a
// select waits only if none is. Then it is a select of the lockables, with the next timer for a
// deadline. The cases of the outside set are asked before the pass, all at once.

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
    cases_.reserve(cases_.size() + 1);
    auto kept = std::make_unique<detail::kept_case>();
    const auto keep = [&] {
      kept->shared = detail::make_counted<detail::shared_case_of<Case>>(detail::keep_t{},
                                                                        std::forward<Case>(c));
      kept->key = last_key_ + 1;
    };
    if constexpr (detail::waits_outside<Case>) {
      detail::outside_cases& set = outside<typename Case::outside_set>();
      keep();
      kept->is_outside = true;
      set.add(*kept);
    } else {
      const bool is_timer = detail::is_timer(*c.what());
      if (is_timer) {
        timers_.reserve(timers_.size() + 1);
      } else {
        make_room_for_lockable();
      }
      keep(); // the item of an on_send leaves its variable; from here on nothing can fail
      if (is_timer) {
        timers_.add(*kept);
      } else {
        add_lockable(*kept);
      }
    }
    ++last_key_;
    cases_.push_back({last_key_, kept.release()});
  }
  return last_key_;
}

template <class Set>
detail::outside_cases& selector::outside() {
  if (outside_ == nullptr) {
    make_room_for_lockable();
    outside_ = new Set();
    outside_->any().key = last_key_; // after those that are there, before those that come
    add_lockable(outside_->any());
  }
  return *outside_;
}

#if ROOST_HAS_BODIES

ROOST_BODY void selector::make_room_for_lockable() {
  const std::size_t wanted = lockables_.size() + 1;
  lockables_.reserve(wanted);
  for (auto* const list : {&in_order_, &in_turn_, &by_lock_})
    list->reserve(wanted);
}

ROOST_BODY void selector::add_lockable(detail::kept_case& kept) noexcept {
  detail::operation* const what = &kept.what();
  lockables_.push_back(&kept);
  in_order_.push_back(what);
  in_turn_.push_back(what);
  by_lock_.insert(place_by_lock(*what), what);
}

ROOST_BODY selector::~selector() {
  while (!empty()) { // destructors of handlers may remove others
    if (cases_.back().kept == nullptr) {
      cases_.pop_back();
    } else {
      erase(cases_.size() - 1);
    }
  }
  delete outside_;
}

ROOST_BODY std::size_t selector::place_by_lock(const detail::operation& what) const noexcept {
  std::size_t first = 0;
  for (std::size_t end = by_lock_.size(); first < end;) {
    const std::size_t middle = first + (end - first) / 2;
    if (detail::before_by_lock(*by_lock_[middle], what)) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

// The index of the first case whose key is not smaller.
ROOST_BODY std::size_t selector::index_of(std::size_t key) const noexcept {
  std::size_t first = 0;
  for (std::size_t end = cases_.size(); first < end;) {
    const std::size_t middle = first + (end - first) / 2;
    if (cases_[middle].key < key) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

ROOST_BODY bool selector::remove(std::size_t key) noexcept {
  const std::size_t index = index_of(key);
  if (index == cases_.size() || cases_[index].key != key || cases_[index].kept == nullptr)
    return false;
  erase(index);
  return true;
}

// The case itself is destroyed last, when all is in order: its destructor may call code that uses
// the selector.
ROOST_BODY void selector::erase(std::size_t index) noexcept {
  detail::kept_case* const gone = cases_[index].kept;
  cases_[index].kept = nullptr;
  detail::operation* const what = &gone->what();
  if (gone->is_outside) {
    outside_->remove(*gone);
  } else if (detail::is_timer(*what)) {
    timers_.remove(*gone);
  } else {
    lockables_.remove(gone);
    for (auto* const list : {&in_order_, &in_turn_, &by_lock_})
      list->remove(what);
  }
  if (cases_.size() > 2 * size())
    forget_removed();
  delete gone;
}

ROOST_BODY void selector::forget_removed() noexcept {
  std::size_t left = 0;
  for (const keyed_case& c : cases_) {
    if (c.kept != nullptr)
      cases_[left++] = c;
  }
  while (cases_.size() != left)
    cases_.pop_back();
}

ROOST_BODY std::size_t selector::select_biased(site where) {
  detail::throw_if_stopped();
  return *run(detail::turn::biased, detail::patience::wait, detail::no_deadline, where);
}

ROOST_BODY std::optional<std::size_t> selector::select_until(detail::any_time_point deadline,
                                                             site where) {
  detail::throw_if_stopped();
  return run(detail::turn::fair, detail::patience::wait, deadline, where);
}

ROOST_BODY std::optional<std::size_t> selector::try_select() {
  return run(detail::turn::fair, detail::patience::try_only, detail::no_deadline, {});
}

ROOST_BODY detail::kept_case& selector::lockable_of(const detail::operation& what) const noexcept {
  std::size_t index = 0;
  while (in_order_[index] != &what)
    ++index;
  return *lockables_[index];
}

// Makes one pass, as long as timers are due or cases outside are ready; null if there are none, or
// if other threads took the ticks. Draws the order only as far as it is needed (Fisher and Yates),
// as if these cases and the lockables not asked yet were one list.
ROOST_BODY detail::kept_case* selector::try_at_hand(detail::turn order,
                                                    detail::view<detail::kept_case* const> ready) {
  std::size_t asked = 0;
  while (timers_.due_count() + ready.size() != 0) {
    detail::kept_case* at_hand = nullptr;
    if (order == detail::turn::biased) {
      if (timers_.due_count() != 0)
        at_hand = &timers_.first_due();
      for (detail::kept_case* const c : ready) {
        if (at_hand == nullptr || c->key < at_hand->key)
          at_hand = c;
      }
      if (asked != lockables_.size() && lockables_[asked]->key < at_hand->key)
        at_hand = nullptr;
    } else {
      const std::size_t due = timers_.due_count();
      const std::size_t count = due + ready.size();
      const std::size_t drawn = detail::random_below(count + in_turn_.size() - asked);
      if (drawn < due) {
        at_hand = &timers_.due(drawn);
      } else if (drawn < count) {
        at_hand = ready[drawn - due];
      } else {
        std::swap(in_turn_[asked], in_turn_[asked + drawn - count]);
      }
    }
    if (at_hand != nullptr) {
      if (at_hand->is_outside || timers_.take(*at_hand))
        return at_hand;
      continue;
    }
    detail::operation& next = *(order == detail::turn::biased ? in_order_ : in_turn_)[asked++];
    if (next.try_alone())
      return &lockable_of(next);
  }
  return nullptr;
}

ROOST_BODY std::optional<std::size_t> selector::run(detail::turn order,
                                                    detail::patience how_long,
                                                    clock::time_point deadline,
                                                    const site& where) {
  detail::kept_case* happened = nullptr;
  for (;;) {
    if (!timers_.empty())
      timers_.come(detail::sync::now());
    detail::view<detail::kept_case* const> ready;
    if (outside_ != nullptr)
      ready = outside_->look();
    detail::first_ended first{nullptr, detail::wait_state::done};
    if ((happened = try_at_hand(order, ready)) != nullptr) {
      if (how_long == detail::patience::wait)
        first = detail::first_or_stop(&happened->what());
    } else {
      first = detail::select_first(order == detail::turn::biased ? in_order_ : in_turn_,
                                   by_lock_,
                                   order,
                                   how_long,
                                   {"selector::select", {}, where},
                                   detail::earlier(deadline, timers_.next()));
      if (first.which != nullptr)
        happened = &lockable_of(*first.which);
      if (outside_ != nullptr && happened == &outside_->any())
        continue; // the next look tells which one it is
    }
    if (first.end == detail::wait_state::stopped)
      detail::raise_stop();
    if (happened != nullptr)
      break;
    // A timer may have come due during the pass. Only if none has was there a moment at which no
    // case could happen.
    if (timers_.empty() || detail::sync::now() < timers_.next())
      return std::nullopt;
  }
  const std::size_t key = happened->key;
  const detail::counted_ptr<detail::shared_case> shared = happened->shared;
  detail::select_case& what = shared->what;
  if (what.is_over())
    erase(index_of(key));
  what.run();
  return key;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
