// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/posix.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <stop_token>

namespace tree_search {

/// Ctrl-C and SIGTERM: the first of them asks for a stop, a second one ends the program at once.
///
/// What to notice: the task that waits for them is not in the scope that they stop, so it still
/// waits when that scope is slow to end.
class interrupts {
 public:
  interrupts() {
    task_.spawn("interrupts", [this] {
      signal_ = signals_.wait();
      stop_.request_stop();
      std::_Exit(128 + signals_.wait());
    });
  }

  std::stop_token token() const { return stop_.get_token(); }
  int signal() const { return signal_; } // 0 if none has come

 private:
  roost::signal_watch signals_{SIGINT, SIGTERM}; // before the first thread, which inherits its mask
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  roost::background_scope task_{{.name = "interrupts"}}; // last: its task uses the rest
};

} // namespace tree_search
