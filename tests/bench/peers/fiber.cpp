// SPDX-License-Identifier: BSL-1.0
// Boost.Fiber: its channels between threads, each of which runs one fiber.
#include "bench/peer.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/unbuffered_channel.hpp>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace {

struct peer {
  using crew = bench::plain_threads;

  template <class T>
  class channel {
   public:
    /// The buffer of a channel has a power of two of places, at least two, one of which stays
    /// empty: those for 1 hold 1 item, those for 64 and 1024 hold 63 and 1023.
    explicit channel(std::size_t capacity) {
      if (capacity == bench::unbounded)
        throw bench::not_offered();
      if (capacity == 0) {
        unbuffered_.emplace();
      } else {
        buffered_.emplace(std::bit_ceil(std::max<std::size_t>(capacity, 2)));
      }
    }
    channel& sender() { return *this; }
    channel& receiver() { return *this; }

    void send(T&& item) {
      const auto status =
          buffered_ ? buffered_->push(std::move(item)) : unbuffered_->push(std::move(item));
      bench::check(status == boost::fibers::channel_op_status::success, "not sent");
    }
    std::optional<T> receive() {
      T item{};
      const auto status = buffered_ ? buffered_->pop(item) : unbuffered_->pop(item);
      if (status != boost::fibers::channel_op_status::success)
        return std::nullopt;
      return item;
    }
    void close(std::size_t /*receivers*/) { buffered_ ? buffered_->close() : unbuffered_->close(); }

   private:
    std::optional<boost::fibers::buffered_channel<T>> buffered_;
    std::optional<boost::fibers::unbuffered_channel<T>> unbuffered_; // exactly one of them
  };

  using wait_group =
      bench::wait_group_by_hand<boost::fibers::mutex, boost::fibers::condition_variable>;

  class blocking_queue {
   public:
    explicit blocking_queue(std::size_t /*threads*/) {}
    void block() {
      std::int64_t item = 0;
      channel_.pop(item);
    }
    void release_all() { channel_.close(); }

   private:
    boost::fibers::unbuffered_channel<std::int64_t> channel_;
  };
  using blocked_tasks = bench::blocked_threads<blocking_queue>;
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
