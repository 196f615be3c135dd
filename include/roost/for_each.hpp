// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/parallel/workers.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/parallel_options.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// Calls `f` with each element of a range, several at a time, and waits until all are done.
///
/// ```cpp
/// roost::for_each(files, [&](const path& file) { index.add(file); });
/// roost::for_each(jobs, [](job& j) { j.run(); }, {.limit = 2});    // jobs: a receiver<job>
/// ```
///
/// Elements are handed out in order, each when there is a thread for it: so a range may be endless,
/// or make its elements on the way, as std::views and receivers do. Cheap elements may be handed
/// out several at a time, see parallel_options::chunks. `f` is one object, called by several
/// threads at once; so are the functions inside views that allow more than one pass. (To write to
/// the elements of a std::vector<bool> would be a data race: neighbours share a byte.)
/// Elements of a single-pass range are taken out of it: `f` gets a copy, or the element itself,
/// moved, if it cannot be copied or comes from a channel; what a broadcast or a watch brings is not
/// copied. Once taken out, an element is handed to `f` even after a stop.
/// Errors: an exception of `f` or of an iterator ends the loop. No further element is begun, the
/// calls under way are stopped and waited for, and the first exception is thrown. Threads: the
/// calling one, and others as long as there are elements for them. Cancellation: throws `stopped`
/// when the caller was stopped. Cost: a scope; one wake-up for each thread but the first; some
/// nanoseconds per element, or a lock per element where the range has no indices.
template <detail::input_range R, class F>
void for_each(R&& range, F&& f, const parallel_options& options = {}, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

template <class F>
class calling_visitor {
 public:
  explicit calling_visitor(F& f) noexcept : f_(f) {}

  void begin_chunk(std::uint64_t) const noexcept {}

  template <class Element>
  void visit(std::uint64_t, Element&& element) const {
    static_cast<void>(std::invoke(f_, std::forward<Element>(element)));
  }

  template <class Iterator>
  void visit_block(std::uint64_t, Iterator first) const {
    detail::for_each_in_block(first, [this](std::size_t, auto&& element) {
      this->visit(0, std::forward<decltype(element)>(element));
    });
  }

 private:
  F& f_;
};

} // namespace detail

template <detail::input_range R, class F>
void for_each(R&& range, F&& f, const parallel_options& options, site where) {
  constexpr bool fits = std::is_invocable_v<F&, detail::reference_of<R>>;
  static_assert(fits,
                "roost::for_each: the function must be callable with an element of the range");
  if constexpr (fits) {
    detail::throw_if_stopped();
    detail::run_workers(range, options, where, [&f](auto& elements) {
      elements.visit_all(detail::calling_visitor<std::remove_reference_t<F>>(f));
    });
  }
}

} // namespace roost::inline v0
