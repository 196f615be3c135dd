// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/parallel/joint_tasks.hpp>
#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/hardware_threads.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/mutex.hpp>
#include <roost/parallel_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/task_scope.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

// What for_each and transform have in common: some tasks, the workers, share the elements of a
// range among them. The first worker runs on the calling thread. Each takes on one more before its
// first element, while there may be use for it: so there are never more than elements. (Where they
// are not reached by their index there may be one more, which comes after the last element.)
//
// A source hands the elements out. Each worker has a taker of its own, and calls its
// `template <class Begin, class Visitor> bool next(Begin begin, Visitor& visitor)`: false when no
// element is left; else it calls `begin()` and has one element visited, or some.
//
// A visitor says what to do with them:
//
//     begin_chunk(end)            of an indexed range: the next ones are before `end`
//     visit(index, element)
//     visit_block(index, first)   as many as a block has, from the iterator `first` on

namespace roost::inline v0::detail {

/// How many cheap elements are visited between two looks for a stop. A constant, and not too small,
/// so that compilers can do several of them in one instruction.
inline constexpr std::size_t elements_in_block = 32;

/// Calls `visit(i, first[i])` for each element of a block.
template <class Iterator, class Visit>
void for_each_in_block(Iterator first, Visit visit) {
  for (std::size_t i = 0; i < elements_in_block; ++i)
    visit(i, first[static_cast<std::iter_difference_t<Iterator>>(i)]);
}

/// The elements of an indexed range, in order, several at a time where they are cheap.
///
/// A chunk is what one worker takes by one step of the common counter: one element at first, then
/// twice as many as long as that takes less than some microseconds (four times where it takes far
/// less), and half as many above that. So elements that take longer are handed out one by one. And
/// so are all once an element has made a call that may block: it may wait for another one, which
/// must not be in the same hands. For the same reason chunks grow only after some elements of which
/// none did. Near the end of the range chunks are smaller, so that the workers end at about the
/// same time; but not many of them: where two chunks meet, two processors want the same memory, and
/// numbers in small chunks can take several times as long as in large ones.
///
/// Before each element it looks for a stop; in chunks of very many, which are the cheapest ones,
/// before each block.
template <class R>
class indexed_source {
 public:
  indexed_source(R& range, std::size_t limit, bool chunks)
      : first_(std::ranges::begin(range)),
        size_(static_cast<std::uint64_t>(std::ranges::end(range) - first_)),
        workers_(limit < size_ ? limit : static_cast<std::size_t>(size_)),
        chunks_(chunks) {}

  class taker;

  std::size_t most_workers() const noexcept { return workers_; }

 private:
  iterator_of<R> first_;
  // Numbers of 64 bits everywhere: a range need not lie in memory, and next_ goes beyond its end.
  const std::uint64_t size_;
  const std::size_t workers_;
  const bool chunks_;
  sync::atomic<std::uint64_t> next_{0}; // the workers step it; beyond size_ nothing is left
  sync::atomic<bool> may_wait_{false};
};

template <class R>
class indexed_source<R>::taker {
 public:
  explicit taker(indexed_source& from) noexcept : from_(from) {}

  template <class Begin, class Visitor>
  bool next(Begin begin, Visitor& visitor) {
    const std::uint64_t count = next_count();
    // relaxed: it hands out numbers, and publishes nothing
    const std::uint64_t first = from_.next_.fetch_add(count, std::memory_order_relaxed);
    if (first >= from_.size_)
      return false;
    left_ = from_.size_ - first;
    begin();
    const std::uint64_t end = first + (count < left_ ? count : left_);
    visitor.begin_chunk(end);
    visit(first, end, visitor);
    if (from_.chunks_)
      adapt(count);
    return true;
  }

 private:
  using difference = std::iter_difference_t<iterator_of<R>>;

  // A whole chunk, or so much of it that each worker gets some more before the end.
  std::uint64_t next_count() const noexcept {
    const std::uint64_t fair = left_ / from_.workers_ / 2;
    const std::uint64_t least = chunk_ / 4 + 1;
    const std::uint64_t fitting = fair > least ? fair : least;
    return chunk_ < fitting ? chunk_ : fitting;
  }

  template <class Visitor>
  void visit(std::uint64_t i, std::uint64_t end, Visitor& visitor) {
    const stop_domain& domain = this_thread.top->domain();
    const auto look_for_stop = [&domain] {
      if (domain.stop_requested())
        throw_if_stopped();
    };
    if (end - i >= 4 * elements_in_block) {
      const auto first = from_.first_; // which no visit changes
      for (; end - i >= elements_in_block; i += elements_in_block) {
        look_for_stop();
        visitor.visit_block(i, first + static_cast<difference>(i));
      }
    }
    for (; i < end; ++i) {
      look_for_stop();
      visitor.visit(i, from_.first_[static_cast<difference>(i)]);
    }
  }

  void adapt(std::uint64_t visited) noexcept {
    constexpr auto short_time = std::chrono::microseconds(8);
    // relaxed: a hint to the others
    if (this_thread.waits != waits_)
      from_.may_wait_.store(true, std::memory_order_relaxed);
    if (from_.may_wait_.load(std::memory_order_relaxed)) {
      chunk_ = 1;
    } else if (one_by_one_ > 1) {
      --one_by_one_;
    } else {
      const clock::time_point now = sync::now();
      const auto taken = now - std::exchange(since_, now);
      if (one_by_one_ != 0) {
        --one_by_one_; // the time of the next one is taken
      } else if (taken > 2 * short_time) {
        chunk_ = chunk_ / 2 + chunk_ % 2;
      } else if (taken < short_time && visited == chunk_) {
        chunk_ *= taken < short_time / 4 ? std::uint64_t{4} : std::uint64_t{2};
      }
    }
  }

  indexed_source& from_;
  std::uint64_t chunk_ = 1;
  std::uint64_t left_ = from_.size_; // when it looked last
  int one_by_one_ = 16;
  const std::size_t waits_ = this_thread.waits;
  clock::time_point since_;
};

/// Whether a copy of the iterator still has its element when the iterator has gone on.
template <class R>
inline constexpr bool may_keep_iterator =
    forward_range<R> || copies_keep_its_element<iterator_of<R>>;

/// What outlasts the turn in which an element was taken: the iterator, or the element itself.
template <class R>
using kept_element = std::conditional_t<may_keep_iterator<R>,
                                        iterator_of<R>,
                                        std::conditional_t<std::is_reference_v<reference_of<R>>,
                                                           std::iter_value_t<iterator_of<R>>,
                                                           reference_of<R>>>;

template <class R>
inline constexpr bool can_be_kept =
    may_keep_iterator<R> || std::is_constructible_v<kept_element<R>, reference_of<R>> ||
    std::is_constructible_v<kept_element<R>, std::iter_rvalue_reference_t<iterator_of<R>>>;

/// The elements of any other range, in order, one by one. Its iterators are the user's code: they
/// may wait or throw. One worker at a time steps them.
///
/// A worker waits for its turn in a roost::mutex: a report shows that wait, and a stop ends it. To
/// hand the turn over in the order of arrival, as a semaphore does, would cost a wake for each
/// cheap element.
template <class R>
class turn_source {
 public:
  turn_source(R& range, std::size_t limit, bool) noexcept : range_(range), workers_(limit) {}

  class taker;

  std::size_t most_workers() const noexcept { return workers_; }

 private:
  // Calls `take(index, iterator)` with the next element, if there is one; never in the middle of
  // another such call. The iterator steps as late as can be: it may wait for the next element to
  // come.
  template <class Take>
  void take_turn(Take take) {
    const mutex::guard turn(mutex_);
    throw_if_stopped();
    if (over_)
      return;
    over_ = true; // unless all goes well
    if (!at_) {
      at_.emplace(std::ranges::begin(range_));
    } else {
      ++*at_;
      ++index_;
    }
    if (*at_ == std::ranges::end(range_))
      return;
    take(index_, *at_);
    over_ = false;
  }

  R& range_;
  const std::size_t workers_;
  mutex mutex_{"the range of a loop"}; // guards all below
  std::optional<iterator_of<R>> at_;
  std::size_t index_ = 0;
  bool over_ = false; // no element is left, or an iterator has thrown
};

template <class R>
class turn_source<R>::taker {
 public:
  explicit taker(turn_source& from) noexcept : from_(from) {}

  template <class Begin, class Visitor>
  bool next(Begin begin, Visitor& visitor) {
    std::optional<kept_element<R>> got;
    std::size_t index = 0;
    from_.take_turn([&](std::size_t i, iterator_of<R>& at) {
      index = i;
      if constexpr (may_keep_iterator<R>) {
        got.emplace(at);
      } else if constexpr (std::is_constructible_v<kept_element<R>, reference_of<R>> &&
                           !holds_its_element<iterator_of<R>>) {
        got.emplace(*at);
      } else {
        got.emplace(std::ranges::iter_move(at));
      }
    });
    if (!got)
      return false;
    begin();
    if constexpr (forward_range<R>)
      throw_if_stopped(); // the iterator may have taken long
    // From a single pass it is taken out: to drop it would be to lose it.
    if constexpr (may_keep_iterator<R>) {
      visitor.visit(index, **got);
    } else {
      visitor.visit(index, std::forward<reference_of<R>>(*got));
    }
    return true;
  }

 private:
  turn_source& from_;
};

template <class R>
using source_of = std::conditional_t<indexed_range<R>, indexed_source<R>, turn_source<R>>;

/// The elements that come to one worker. It takes one more worker on when it has the first of them.
template <class R, class TakeOneOn>
class worker_elements {
 public:
  worker_elements(source_of<R>& source, TakeOneOn take_one_on) noexcept
      : taker_(source),
        take_one_on_(std::move(take_one_on)) {}

  /// Has each visited.
  template <class Visitor>
  void visit_all(Visitor visitor) {
    const auto begin = [&] {
      if (std::exchange(begun_, true))
        return;
      take_one_on_();
    };
    while (taker_.next(begin, visitor)) {
    }
  }

 private:
  typename source_of<R>::taker taker_;
  TakeOneOn take_one_on_;
  bool begun_ = false;
};

/// Calls `work(elements)` once in each worker.
template <class R, class Work>
class workers {
 public:
  workers(R& range, const Work& work, const parallel_options& options, site where)
      : source_(range, options.limit != 0 ? options.limit : threads_at_work(), options.chunks),
        work_(work),
        name_(options.name),
        where_(where),
        can_be_taken_on_(source_.most_workers()),
        scope_({.name = name_}, where) {}

  void run() {
    if (can_be_taken_on_ != 0)
      (void)joint_tasks::begin(scope_, 0, 1, name_, worker(), where_);
    joint_tasks::join(scope_, where_); // throws what failed first
    if (stopped_)
      std::rethrow_exception(stopped_);
    // The range's end may be due to a stop: a channel ends when its sender was stopped a moment
    // earlier.
    if constexpr (!indexed_range<R>)
      throw_if_stopped();
  }

 private:
  auto worker() {
    return [this] {
      try {
        work();
      } catch (const stopped&) {
        if (scope_.request_stop("an element was stopped"))
          stopped_ = std::current_exception(); // by a stop_when of its own: the caller gets it
        throw;
      }
    };
  }

  void work() {
    const auto one_more = [this] { take_one_on(); };
    worker_elements<R, decltype(one_more)> elements(source_, one_more);
    work_(elements);
  }

  // Where there is no thread or no memory for one more, the workers that are there do everything:
  // the worker that takes one on has an element in hand, which must not be lost.
  void take_one_on() {
    // relaxed: a count, which publishes nothing
    if (can_be_taken_on_.fetch_sub(1, std::memory_order_relaxed) <= 1)
      return;
    try {
      scope_.spawn(name_, worker(), where_);
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }

  source_of<R> source_;
  const Work& work_;
  const std::string_view name_; // alive while the caller's call is
  const site where_;
  // How many workers may still come to their first element; those that have begun without one
  // count.
  sync::atomic<std::size_t> can_be_taken_on_;
  std::exception_ptr
      stopped_;      // written by the worker that stops scope_ because of it, read after the join
  task_scope scope_; // last: its tasks use the others
};

/// Has workers go through a range, and waits for them.
template <class R, class Work>
void run_workers(R& range, const parallel_options& options, const site& where, const Work& work) {
  constexpr bool fits = can_be_kept<R>;
  static_assert(fits,
                "roost::for_each and transform: each element is taken out of a range that has a "
                "single pass, and these can be neither copied nor moved; let the range hand out "
                "a std::shared_ptr to each");
  if constexpr (fits)
    workers<R, Work>(range, work, options, where).run();
}

} // namespace roost::inline v0::detail
