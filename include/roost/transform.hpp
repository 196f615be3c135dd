// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/parallel/workers.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/parallel_options.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

/// Calls `f` with each element of a range, several at a time, and returns the results in the order
/// of the elements. In all else it is like for_each.
///
/// ```cpp
/// const std::vector<page> pages = roost::transform(urls, fetch, {.limit = 8});
/// ```
///
/// Results need only be movable. References become copies of what they refer to. Where it ends by
/// an exception or a stop, the results so far are gone: to keep them, or to use each as soon as its
/// turn comes, let for_each send them into a channel (examples/24_ordered_window.cpp).
template <detail::input_range R, class F>
auto transform(R&& range,
               F&& f,
               const parallel_options& options = {},
               site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

/// Results that can be put into their places at once. Not truth values: in a vector of those,
/// neighbours share a byte.
template <class T>
inline constexpr bool has_places =
    std::is_nothrow_default_constructible_v<T>&& std::is_nothrow_move_assignable_v<T> &&
    !std::is_same_v<T, bool>;

/// Results that cannot be: it is not known how many there will be, or there is nothing yet to
/// assign to. Each worker keeps its own, and hands them in at its end.
template <class T>
class results_by_index {
 public:
  using part = std::vector<std::pair<std::size_t, T>>;

  void hand_in(part&& own) {
    const std::lock_guard lock(mutex_);
    parts_.push_back(std::move(own));
  }

  /// All of them, in the order of their indices. Only when there are no workers.
  std::vector<T> take();

 private:
  sync::mutex mutex_;
  std::vector<part> parts_; // guarded by mutex_
};

template <class T>
std::vector<T> results_by_index<T>::take() {
  std::size_t count = 0;
  for (const part& p : parts_)
    count += p.size();
  std::vector<T*> in_order(count);
  for (part& p : parts_) {
    for (auto& [index, result] : p)
      in_order.at(index) = std::addressof(result);
  }
  std::vector<T> results;
  results.reserve(count);
  for (T* const result : in_order)
    results.push_back(std::move(*result));
  return results;
}

/// Results in their places. A vector makes its elements one by one; so a worker has it make those
/// of a chunk just before it writes them, while that memory is near.
template <class T>
class results_in_places {
 public:
  explicit results_in_places(std::size_t size) { places_.reserve(size); }

  /// Makes all before `end`. Places that are there stay where they are.
  T* make_until(const std::uint64_t end) noexcept {
    const std::lock_guard lock(mutex_);
    if (places_.size() < end)
      places_.resize(static_cast<std::size_t>(end));
    return places_.data();
  }

  /// Only when there are no workers.
  std::vector<T> take() { return std::move(places_); }

 private:
  sync::mutex mutex_;
  std::vector<T> places_; // its size is guarded by mutex_, each place is one worker's
};

template <class T, class F>
class placing_visitor {
 public:
  placing_visitor(F& f, results_in_places<T>& results) noexcept : f_(f), results_(results) {}

  void begin_chunk(std::uint64_t end) noexcept { places_ = results_.make_until(end); }

  template <class Element>
  void visit(std::uint64_t index, Element&& element) const {
    places_[index] = std::invoke(f_, std::forward<Element>(element));
  }

  template <class Iterator>
  void visit_block(std::uint64_t index, Iterator first) const {
    write(places_ + index, first, f_);
  }

 private:
  // restrict: no other code has seen the places, so no element is one of them.
  template <class Iterator>
  static void write(T* __restrict places, Iterator first, F& f) {
    detail::for_each_in_block(first, [places, &f](std::size_t i, auto&& element) {
      places[i] = std::invoke(f, std::forward<decltype(element)>(element));
    });
  }

  F& f_;
  results_in_places<T>& results_;
  T* places_ = nullptr;
};

template <class T, class F>
class keeping_visitor {
 public:
  using part = typename results_by_index<T>::part;

  keeping_visitor(F& f, part& own) noexcept : f_(f), own_(own) {}

  void begin_chunk(std::uint64_t) const noexcept {}

  template <class Element>
  void visit(std::uint64_t index, Element&& element) const {
    own_.emplace_back(index, std::invoke(f_, std::forward<Element>(element)));
  }

  template <class Iterator>
  void visit_block(std::uint64_t index, Iterator first) const {
    detail::for_each_in_block(first, [this, index](std::size_t i, auto&& element) {
      this->visit(index + i, std::forward<decltype(element)>(element));
    });
  }

 private:
  F& f_;
  part& own_;
};

template <class T, class R, class F>
std::vector<T>
transform_into_places(R& range, F& f, const parallel_options& options, const site& where) {
  const auto size = static_cast<std::uint64_t>(std::ranges::end(range) - std::ranges::begin(range));
  constexpr auto most = static_cast<std::size_t>(-1); // far too many: std::vector refuses them
  results_in_places<T> results(size < most ? static_cast<std::size_t>(size) : most);
  const auto work = [&f, &results](auto& elements) {
    elements.visit_all(placing_visitor<T, F>(f, results));
  };
  detail::run_workers(range, options, where, work);
  return results.take();
}

template <class T, class R, class F>
std::vector<T>
transform_by_index(R& range, F& f, const parallel_options& options, const site& where) {
  results_by_index<T> results;
  const auto work = [&f, &results](auto& elements) {
    typename results_by_index<T>::part own;
    elements.visit_all(keeping_visitor<T, F>(f, own));
    results.hand_in(std::move(own));
  };
  detail::run_workers(range, options, where, work);
  return results.take();
}

} // namespace detail

template <detail::input_range R, class F>
auto transform(R&& range, F&& f, const parallel_options& options, site where) {
  constexpr bool fits = std::is_invocable_v<F&, detail::reference_of<R>>;
  static_assert(fits,
                "roost::transform: the function must be callable with an element of the range");
  if constexpr (fits) {
    using result = std::invoke_result_t<F&, detail::reference_of<R>>;
    static_assert(!std::is_void_v<result>,
                  "roost::transform: the function returns nothing; take roost::for_each");
    using element = std::remove_cvref_t<result>;
    detail::throw_if_stopped();
    if constexpr (detail::indexed_range<R> && detail::has_places<element>) {
      return detail::transform_into_places<element>(range, f, options, where);
    } else {
      return detail::transform_by_index<element>(range, f, options, where);
    }
  }
}

} // namespace roost::inline v0
