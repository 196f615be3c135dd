// SPDX-License-Identifier: BSL-1.0
// oneTBB: its queue between plain threads, as its tasks must not block; its tasks for the rest.
#include "bench/peer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tbb/blocked_range.h>
#include <tbb/concurrent_queue.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <utility>
#include <vector>

namespace {

struct peer {
  using crew = bench::plain_threads;

  /// It cannot be closed for those who come later: an end mark for each receiver does that.
  template <class T>
  class channel {
   public:
    explicit channel(std::size_t capacity) {
      if (capacity == 0)
        throw bench::not_offered();
      if (capacity != bench::unbounded)
        queue_.set_capacity(static_cast<std::ptrdiff_t>(capacity));
    }
    channel& sender() { return *this; }
    channel& receiver() { return *this; }

    void send(T&& item) { queue_.push(std::move(item)); }
    std::optional<T> receive() {
      T item{};
      queue_.pop(item);
      if (bench::is_end_mark(item))
        return std::nullopt;
      return item;
    }
    void close(std::size_t receivers) {
      for (std::size_t i = 0; i < receivers; ++i)
        queue_.push(bench::make_end_mark<T>());
    }

   private:
    tbb::concurrent_bounded_queue<T> queue_;
  };

  template <class F>
  static void spawn_join(F task) {
    tbb::task_group group;
    group.run(task);
    group.wait();
  }

  class scope {
   public:
    template <class F>
    void spawn_all(std::size_t count, F task) {
      for (std::size_t i = 0; i < count; ++i)
        group_.run(task);
      group_.wait();
    }

   private:
    tbb::task_group group_;
  };

  template <class F>
  static void run_limited(std::size_t count, std::size_t limit, F task) {
    tbb::task_arena arena(static_cast<int>(limit));
    arena.execute([&] {
      tbb::task_group group;
      for (std::size_t i = 0; i < count; ++i)
        group.run(task);
      group.wait();
    });
  }

  template <class F, class G>
  static void both(const F& f, const G& g) {
    tbb::parallel_invoke(f, g);
  }

  struct around_loops {};
  template <class F>
  static void for_each(std::vector<double>& values, F f) {
    using range = tbb::blocked_range<std::size_t>;
    tbb::parallel_for(range(0, values.size()), [&](const range& part) {
      for (std::size_t i = part.begin(); i != part.end(); ++i)
        f(values[i]);
    });
  }
  template <class F>
  static std::vector<double> transform(const std::vector<double>& values, F f) {
    using range = tbb::blocked_range<std::size_t>;
    std::vector<double> results(values.size());
    tbb::parallel_for(range(0, values.size()), [&](const range& part) {
      for (std::size_t i = part.begin(); i != part.end(); ++i)
        results[i] = f(values[i]);
    });
    return results;
  }

  class blocking_queue {
   public:
    explicit blocking_queue(std::size_t /*threads*/) {}
    void block() {
      std::int64_t item = 0;
      try {
        queue_.pop(item);
      } catch (const tbb::user_abort&) { // that is how it ends
      }
    }
    void release_all() { queue_.abort(); }

   private:
    tbb::concurrent_bounded_queue<std::int64_t> queue_;
  };
  using blocked_tasks = bench::blocked_threads<blocking_queue>;
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
