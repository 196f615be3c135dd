// SPDX-License-Identifier: BSL-1.0
// moodycamel::BlockingConcurrentQueue, with tokens. It has no capacity and no end.
#include "bench/peer.hpp"

#include <atomic>
#include <concurrentqueue/blockingconcurrentqueue.h>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace {

struct peer {
  using crew = bench::plain_threads;

  template <class T>
  class channel {
   public:
    explicit channel(std::size_t capacity) {
      if (capacity != bench::unbounded)
        throw bench::not_offered();
    }

    class sending {
     public:
      explicit sending(channel& c) : queue_(c.queue_), token_(c.queue_) {}
      void send(T&& item) { queue_.enqueue(token_, std::move(item)); }

     private:
      moodycamel::BlockingConcurrentQueue<T>& queue_;
      moodycamel::ProducerToken token_;
    };

    /// End marks may overtake items, for each sender has a queue of its own. So after one a
    /// receiver takes what there still is, and gives back the marks meant for others.
    class receiving {
     public:
      explicit receiving(channel& c) : queue_(c.queue_), token_(c.queue_) {}
      std::optional<T> receive() {
        std::optional<T> item(std::in_place);
        if (marks_ == 0) {
          queue_.wait_dequeue(token_, *item);
          if (!bench::is_end_mark(*item))
            return item;
          ++marks_;
        }
        while (queue_.try_dequeue(token_, *item)) {
          if (!bench::is_end_mark(*item))
            return item;
          ++marks_;
        }
        for (; marks_ > 1; --marks_)
          queue_.enqueue(bench::make_end_mark<T>());
        return std::nullopt;
      }

     private:
      moodycamel::BlockingConcurrentQueue<T>& queue_;
      moodycamel::ConsumerToken token_;
      std::size_t marks_ = 0;
    };

    sending sender() { return sending(*this); }
    receiving receiver() { return receiving(*this); }
    void close(std::size_t receivers) {
      for (std::size_t i = 0; i < receivers; ++i)
        queue_.enqueue(bench::make_end_mark<T>());
    }

   private:
    moodycamel::BlockingConcurrentQueue<T> queue_;
  };

  class blocking_queue {
   public:
    explicit blocking_queue(std::size_t threads) : marks_(threads, bench::end_mark) {}
    void block() {
      std::int64_t item = 0;
      queue_.wait_dequeue(item);
    }
    void release_all() { queue_.enqueue_bulk(marks_.data(), marks_.size()); }

   private:
    std::vector<std::int64_t> marks_; // one for each thread
    moodycamel::BlockingConcurrentQueue<std::int64_t> queue_;
  };
  using blocked_tasks = bench::blocked_threads<blocking_queue>;
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
