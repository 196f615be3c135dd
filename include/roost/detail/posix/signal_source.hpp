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

#include <array>
#include <fcntl.h>
#include <pthread.h>
#include <stop_token>
#endif

namespace roost::inline v0::detail {

#if __has_include(<sys/signalfd.h>)

/// Signals that are blocked, read from a descriptor.
class signal_source {
 public:
  /// Throws std::system_error where no descriptor is left.
  explicit signal_source(const sigset_t& signals)
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

/// The same where there is no such descriptor: a task of its own waits for the signals, and writes
/// them into a pipe.
class signal_source {
 public:
  explicit signal_source(const sigset_t& signals) : signals_(signals) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe(ends.data()) != 0)
      throw_system_error("roost::signal_watch: no descriptor is left");
    reads_ = owned_descriptor(ends[0], "");
    writes_ = owned_descriptor(ends[1], "");
    for (const int end : ends) {
      (void)::fcntl(end, F_SETFD, FD_CLOEXEC);
      (void)::fcntl(end, F_SETFL, O_NONBLOCK);
    }
    tasks_.spawn("signals", [this] { forward(); });
  }

  int descriptor() const noexcept { return reads_.number(); }
  int read() const noexcept {
    const int users_error = errno;
    unsigned char signal = 0;
    const bool is_read = ::read(descriptor(), &signal, 1) == 1;
    errno = users_error;
    return is_read ? signal : 0;
  }

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
      roost::this_task::checkpoint(); // throws if the stop sent it
      const auto byte = static_cast<unsigned char>(signal);
      (void)!::write(writes_.number(), &byte, 1);
    }
  }

  sigset_t signals_;
  owned_descriptor reads_;
  owned_descriptor writes_;
  // Last: its task uses the rest. Its own: the watch may outlive the scope around.
  background_scope tasks_{{.name = "roost::signal_watch", .inherit = false}};
};

#endif

} // namespace roost::inline v0::detail
