// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/posix/owned_descriptor.hpp>

#include <cerrno>
#include <csignal>
#include <unistd.h>
#if __has_include(<sys/signalfd.h>)
#include <sys/signalfd.h>
#else
#include <roost/background_scope.hpp>
#include <roost/this_task.hpp>

#include <pthread.h>
#include <stop_token>
#endif

namespace roost::inline v0::detail {

#if __has_include(<sys/signalfd.h>)

/// Signals that are blocked, read from a descriptor.
class signal_source {
 public:
  /// Throws std::system_error where no descriptor is left.
  signal_source(const sigset_t& signals, void (*)(int signal) noexcept)
      : descriptor_(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
                    "roost::signal_watch: no descriptor is left") {}

  int descriptor() const noexcept { return descriptor_.number(); }

  /// A signal that has come, and is taken from the system; 0 for none.
  int read() const noexcept {
    const int users_error = errno;
    signalfd_siginfo info{};
    const bool is_read = ::read(descriptor(), &info, sizeof info) == sizeof info;
    errno = users_error;
    return is_read ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  owned_descriptor descriptor_;
};

#else

/// The same where there is no such descriptor: a task of its own waits for the signals.
class signal_source {
 public:
  signal_source(const sigset_t& signals, void (*deliver)(int signal) noexcept)
      : signals_(signals),
        deliver_(deliver) {
    tasks_.spawn("signals", [this] { forward(); });
  }

  int descriptor() const noexcept { return -1; } // poll() passes over it
  int read() const noexcept { return 0; }

 private:
  void forward() {
    int any_of_them = 1;
    while (::sigismember(&signals_, any_of_them) != 1)
      ++any_of_them;
    // A stop cannot reach sigwait(): its callback sends this thread one of the signals.
    const std::stop_callback wake(roost::this_task::stop_token(), [=, here = ::pthread_self()] {
      ::pthread_kill(here, any_of_them);
    });
    for (;;) {
      int signal = 0;
      (void)::sigwait(&signals_, &signal);
      if (signal == any_of_them)
        roost::this_task::checkpoint(); // throws if the stop sent it
      deliver_(signal);                 // other watches may want it, also after a stop
    }
  }

  const sigset_t signals_;
  void (*const deliver_)(int signal) noexcept;
  // Last: its task uses the rest. Its own: the watch may outlive the scope around.
  background_scope tasks_{{.name = "roost::signal_watch", .inherit = false}};
};

#endif

} // namespace roost::inline v0::detail
