// SPDX-License-Identifier: BSL-1.0
// The standard library, and what its users write by hand where it has nothing.
#include "bench/peer.hpp"
#include "bench/peers/std_channel.hpp"
#include "bench/peers/std_select.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <poll.h>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#ifdef ROOST_BENCH_TBB // libstdc++'s parallel algorithms need it
#include <algorithm>
#include <execution>
#endif

namespace {

/// A pool by hand: threads that take functions from a queue. Its end runs what is left.
class pool {
 public:
  explicit pool(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i)
      threads_.emplace_back([this] { work(); });
  }
  ~pool() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  void submit(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty())
        return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_; // guarded by mutex_
  bool closed_ = false;                     // guarded by mutex_
  std::vector<std::jthread> threads_;       // joined before all else goes
};

struct peer {
  using crew = bench::plain_threads;

  template <class T>
  using channel = bench::std_channel<T>;

  using channel_set = bench::std_channel_set;

  template <class F>
  static void spawn_join(F task) {
    const std::jthread thread(task);
  }

  struct scope {
    template <class F>
    void spawn_all(std::size_t count, F task) const {
      std::vector<std::jthread> threads;
      threads.reserve(count);
      for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back(task);
    }
  };

  template <class F>
  static void run_limited(std::size_t count, std::size_t limit, F task) {
    pool threads(limit);
    for (std::size_t i = 0; i < count; ++i)
      threads.submit(task);
  }

  template <class F, class G>
  static void both(const F& f, const G& g) {
    auto one = std::async(std::launch::async, f);
    g();
    one.get();
  }

  using wait_group = bench::wait_group_by_hand<std::mutex, std::condition_variable>;

  class semaphore {
   public:
    void acquire_and_release() {
      semaphore_.acquire();
      semaphore_.release();
    }

   private:
    std::counting_semaphore<> semaphore_{1};
  };

#ifdef ROOST_BENCH_TBB
  struct around_loops {};
  template <class F>
  static void for_each(std::vector<double>& values, F f) {
    std::for_each(std::execution::par, values.begin(), values.end(), f);
  }
  template <class F>
  static std::vector<double> transform(const std::vector<double>& values, F f) {
    std::vector<double> results(values.size());
    std::transform(std::execution::par, values.begin(), values.end(), results.begin(), f);
    return results;
  }
#endif

  class blocking_queue {
   public:
    explicit blocking_queue(std::size_t /*threads*/) {}
    void block() {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_; });
    }
    void release_all() {
      {
        const std::lock_guard lock(mutex_);
        closed_ = true;
      }
      changed_.notify_all();
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool closed_ = false; // guarded by mutex_
  };
  using blocked_tasks = bench::blocked_threads<blocking_queue>;

  class stoppable_tasks {
   public:
    stoppable_tasks(std::size_t count, std::atomic<std::size_t>& entered) {
      for (std::size_t i = 0; i < count; ++i) {
        threads_.emplace_back([this, &entered](std::stop_token stop) {
          ++entered;
          std::unique_lock lock(mutex_);
          changed_.wait(lock, std::move(stop), [] { return false; });
        });
      }
    }

    void stop() {
      for (std::jthread& thread : threads_)
        thread.request_stop();
      threads_.clear();
    }

   private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::vector<std::jthread> threads_;
  };

  /// Blocks in the read, where nothing can wake it.
  class socket_reader {
   public:
    explicit socket_reader(int fd) : fd_(fd) {}
    ssize_t read(char* data, std::size_t size) const { return ::read(fd_, data, size); }

   private:
    int fd_;
  };

  class descriptor_set {
   public:
    explicit descriptor_set(const std::vector<int>& fds) {
      for (const int fd : fds)
        polled_.push_back({fd, POLLIN, 0});
    }
    std::size_t wait() {
      bench::check(::poll(polled_.data(), polled_.size(), -1) > 0, "not polled");
      std::size_t place = 0;
      while (polled_[place].revents == 0)
        ++place;
      return place;
    }

   private:
    std::vector<pollfd> polled_;
  };
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
