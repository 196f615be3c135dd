// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/side_by_side.hpp"
#include "bench/stopwatch.hpp"

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace bench {

/// A peer whose tasks can block gives
///
///     class blocked_tasks;       // blocked_tasks b(count, entered)
///
/// so many, each of which counts itself in `entered` and then blocks, for ever. Of stop() and
/// close() it has those that the library has a way for; they return when all are joined. Its end
/// joins them, too. If only another kind of task can be stopped, a peer gives that as
///
///     class stoppable_tasks;     // with stop()
template <class Peer>
concept has_blocked_tasks = requires {
  typename Peer::blocked_tasks;
};

/// The blocked_tasks of a peer whose users start threads themselves. Of a Queue, made for so many,
/// it calls block() in each thread, and release_all() to end them.
template <class Queue>
class blocked_threads {
 public:
  blocked_threads(std::size_t count, std::atomic<std::size_t>& entered) : queue_(count) {
    threads_.emplace();
    for (std::size_t i = 0; i < count; ++i) {
      threads_->start([this, &entered] {
        ++entered;
        queue_.block();
      });
    }
  }
  ~blocked_threads() {
    if (threads_)
      close();
  }
  blocked_threads(const blocked_threads&) = delete;
  blocked_threads& operator=(const blocked_threads&) = delete;

  void close() {
    queue_.release_all();
    threads_.reset();
  }

 private:
  Queue queue_;
  std::optional<plain_threads> threads_;
};

/// True if at this moment no thread but the calling one runs, or could.
inline bool all_others_sleep() {
  const std::string own = std::to_string(gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == own)
      continue;
    std::ifstream file(task.path() / "stat");
    const std::string line(std::istreambuf_iterator<char>(file), {});
    const std::size_t name_end = line.rfind(") "); // the name may be anything
    if (name_end != std::string::npos && line[name_end + 2] != 'S')
      return false;
  }
  return true;
}

template <class Tasks>
class known_to_be_blocked {
 public:
  explicit known_to_be_blocked(std::size_t count) {
    tasks.emplace(count, entered_);
    while (entered_ != count)
      std::this_thread::yield();
    // One that is about to block may sleep for a lock; whoever holds that runs, then or just after.
    for (int times = 0; times < 3; times = all_others_sleep() ? times + 1 : 0)
      std::this_thread::yield();
  }

 private:
  std::atomic<std::size_t> entered_{0};

 public:
  std::optional<Tasks> tasks; // they refer to entered_
};

template <class Tasks, class End>
void time_end(std::size_t count, const End& end) {
  known_to_be_blocked<Tasks> blocked(count);
  const stopwatch watch;
  end(*blocked.tasks);
  print(watch.read(), static_cast<double>(count));
}

/// Exact, unlike the sum that the kernel keeps from time to time, in /proc/self/statm.
inline double resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    double kilobytes = 0;
    if (word == "Rss:" && file >> kilobytes)
      return kilobytes * 1024;
  }
  throw not_offered();
}

template <class Tasks>
void blocked_memory(std::size_t count) {
  { const known_to_be_blocked<Tasks> first(1); } // what is allocated once is not a task's
  const double before = resident_bytes();
  const known_to_be_blocked<Tasks> blocked(count);
  print("bytes", (resident_bytes() - before) / static_cast<double>(count));
}

template <class Tasks>
void idle_cpu(std::size_t count, int milliseconds) {
  const known_to_be_blocked<Tasks> blocked(count);
  const stopwatch watch;
  poll(nullptr, 0, milliseconds);
  print("cpu_ms", watch.read().cpu / 1e6);
}

template <class Tasks>
bool run_stop_work(std::string_view work, arguments& args) {
  if constexpr (requires(Tasks tasks) { tasks.stop(); }) {
    if (work == "stop_blocked")
      return time_end<Tasks>(args.number(), [](Tasks& tasks) { tasks.stop(); }), true;
  }
  return false;
}

/// False if it is none of these works, or the peer does not have it.
template <class Peer>
bool run_blocked_work(std::string_view work, arguments& args) {
  if constexpr (has_blocked_tasks<Peer>) {
    using blocked_tasks = typename Peer::blocked_tasks;
    if constexpr (requires { typename Peer::stoppable_tasks; }) {
      if (run_stop_work<typename Peer::stoppable_tasks>(work, args))
        return true;
    } else if (run_stop_work<blocked_tasks>(work, args)) {
      return true;
    }
    if constexpr (requires(blocked_tasks b) { b.close(); }) {
      if (work == "close_blocked")
        return time_end<blocked_tasks>(args.number(), [](blocked_tasks& b) { b.close(); }), true;
    }
    if (work == "blocked_memory")
      return blocked_memory<blocked_tasks>(args.number()), true;
    if (work == "idle_cpu") {
      const std::size_t count = args.number();
      return idle_cpu<blocked_tasks>(count, args.number<int>()), true;
    }
  }
  return false;
}

} // namespace bench
