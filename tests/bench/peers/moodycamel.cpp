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

  class blocked_tasks {
   public:
    blocked_tasks(std::size_t count, std::atomic<std::size_t>& entered) : count_(count) {
      threads_.emplace();
      for (std::size_t i = 0; i < count; ++i) {
        threads_->start([this, &entered] {
          ++entered;
          std::int64_t item = 0;
          queue_.wait_dequeue(item);
        });
      }
    }
    ~blocked_tasks() {
      if (threads_)
        close();
    }
    blocked_tasks(const blocked_tasks&) = delete;
    blocked_tasks& operator=(const blocked_tasks&) = delete;

    void close() {
      const std::vector<std::int64_t> marks(count_, bench::end_mark);
      queue_.enqueue_bulk(marks.data(), marks.size());
      threads_.reset();
    }

   private:
    std::size_t count_;
    moodycamel::BlockingConcurrentQueue<std::int64_t> queue_;
    std::optional<bench::plain_threads> threads_;
  };
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
