// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "wake_pipe.hpp"

#include <atomic>
#include <csignal>
#include <stop_token>

namespace tree_search {

/// Turns SIGINT and SIGTERM into something a task can wait for. One object at a time.
///
/// The first signal asks the program to stop in an orderly way; a second one of its kind ends it at
/// once, as without this object.
class interrupts {
 public:
  interrupts() {
    ringing = &signals_;
    struct sigaction action {};
    action.sa_handler = [](int signal) {
      ringing.load()->ring(static_cast<unsigned char>(signal));
    };
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~interrupts() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;

  /// Waits for a signal and returns its number, or 0 when a stop was requested first.
  int wait(const std::stop_token& stop) const {
    const std::stop_callback wake(stop, [this] { signals_.ring(0); });
    return signals_.wait();
  }

 private:
  // written before the handlers are installed, read by them
  static inline std::atomic<const wake_pipe*> ringing = nullptr;
  static_assert(std::atomic<const wake_pipe*>::is_always_lock_free, "a signal handler reads it");

  wake_pipe signals_;
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

} // namespace tree_search
