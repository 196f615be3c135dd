// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace test {

/// While it lives, each thread of this process gets signals all the time, whose handler does
/// nothing: so system calls that wait end with EINTR. Linux only.
class signal_storm {
 public:
  signal_storm() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    (void)sigaction(SIGUSR2, &action, &before_); // without SA_RESTART
    thread_ = std::jthread([this](const std::stop_token& token) { blow(token); });
  }
  signal_storm(const signal_storm&) = delete;
  signal_storm& operator=(const signal_storm&) = delete;
  ~signal_storm() {
    thread_.request_stop();
    thread_.join();
    (void)sigaction(SIGUSR2, &before_, nullptr);
  }

  std::uint64_t signals() const noexcept { return sent_; }

 private:
  void blow(const std::stop_token& token) {
    while (!token.stop_requested()) {
      std::error_code error;
      std::filesystem::directory_iterator thread("/proc/self/task", error);
      for (; !error && thread != std::filesystem::directory_iterator(); thread.increment(error)) {
        const int number = std::stoi(thread->path().filename().string());
        if (number != gettid() && syscall(SYS_tgkill, getpid(), number, SIGUSR2) == 0)
          ++sent_;
      }
      std::this_thread::yield();
    }
  }

  struct sigaction before_ {};
  std::atomic<std::uint64_t> sent_{0};
  std::jthread thread_; // last: it uses the others
};

} // namespace test
