// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/context.hpp>
#include <roost/detail/range_of.hpp>
#include <roost/detail/workers.hpp>
#include <roost/parallel_options.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

/// Calls `f` with each element of a range, for several at once, and returns the results in the
/// order of the elements. In all else it is as for_each.
///
///     const std::vector<page> pages = roost::transform(urls, fetch, {.limit = 8});
///
/// Results need only be movable. References become copies of what they refer to.
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

/// Results that cannot: it is not known how many there will be, or there is nothing yet to assign
/// to. Each worker keeps its own, and hands them in at its end.
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
  std::mutex mutex_;
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
      in_order.at(index) = &result;
  }
  std::vector<T> results;
  results.reserve(count);
  for (T* const result : in_order)
    results.push_back(std::move(*result));
  return results;
}

template <class T, class R, class F>
std::vector<T>
transform_into_places(R& range, F& f, const parallel_options& options, const site& where) {
  const auto size = std::ranges::end(range) - std::ranges::begin(range);
  std::vector<T> results(static_cast<std::size_t>(size));
  const auto work = [&f, &results](auto& elements) {
    T* const places = results.data();
    elements.for_each([&f, places](std::size_t index, auto&& element) {
      places[index] = std::invoke(f, std::forward<decltype(element)>(element));
    });
  };
  run_workers(range, options, where, work);
  return results;
}

template <class T, class R, class F>
std::vector<T>
transform_by_index(R& range, F& f, const parallel_options& options, const site& where) {
  results_by_index<T> results;
  const auto work = [&f, &results](auto& elements) {
    typename results_by_index<T>::part own;
    elements.for_each([&f, &own](std::size_t index, auto&& element) {
      own.emplace_back(index, std::invoke(f, std::forward<decltype(element)>(element)));
    });
    results.hand_in(std::move(own));
  };
  run_workers(range, options, where, work);
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
