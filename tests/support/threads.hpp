// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/try_time.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <thread>

namespace test {

/// ThreadSanitizer adds a thread of its own to the first that is made. Makes one and waits until
/// Linux lists it no more, so that all counts come after it.
inline bool make_first_thread() {
  std::filesystem::path first;
  std::error_code error;
  std::thread([&] { first = std::filesystem::read_symlink("/proc/thread-self", error); }).join();
  while (!error && std::filesystem::exists("/proc" / first, error))
    std::this_thread::yield();
  return true;
}

/// The threads of this process, as Linux lists them. Elsewhere 0: what compares counts then sees no
/// difference.
inline std::size_t count_threads() {
  [[maybe_unused]] static const bool first_was_made = make_first_thread();
  std::size_t count = 0;
#if !defined(_WIN32) // wine has the directory, but not with these threads
  std::error_code error;
  std::filesystem::directory_iterator thread("/proc/self/task", error);
  for (; !error && thread != std::filesystem::directory_iterator(); thread.increment(error))
    ++count;
#endif
  return count;
}

inline bool can_count_threads() {
  return count_threads() != 0;
}

/// True once there are no more than `count` threads, false if there still are after `patience`.
/// Linux lists a thread for a moment longer than the join of it takes.
inline bool threads_back_to(std::size_t count,
                            std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  try_time time(patience);
  while (count_threads() > count) {
    if (time.is_over())
      return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace test
