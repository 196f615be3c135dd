// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/requirements.hpp>

#if !__has_include(<poll.h>) || !__has_include(<unistd.h>)
#error "roost/posix.hpp needs POSIX: poll(), pipes and signals. Include it only where those are"
#elif ROOST_IS_SUPPORTED

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/posix/descriptor_case.hpp>
#include <roost/detail/posix/descriptor_operation.hpp>
#include <roost/detail/posix/signal_inbox.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/select.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <csignal>
#include <initializer_list>
#include <optional>
#include <poll.h>
#include <utility>

// Waits for file descriptors and signals, like any other wait of roost. Not part of roost.hpp.

namespace roost::inline v0 {

namespace detail {
struct signal_inbox_of; // what a case of select() needs of a watch
} // namespace detail

/// Waits until a read would not block: there is something to read, a connection to accept, or the
/// end, a hang-up or an error, which the read then reports.
///
/// ```cpp
/// roost::wait_readable(socket);          // throws `stopped` when the task is stopped
/// const auto count = ::read(socket, buffer, size);
/// ```
///
/// The forms with a time limit return false if it passed first. Readiness is a state: if the
/// descriptor is ready now the call returns at once, and a stop or a deadline takes nothing away.
/// It is only a hint, too: another thread may read first. So where several threads read, or a
/// thread accepts connections, make the descriptor O_NONBLOCK, and wait again after EAGAIN. Files
/// are always ready.
///
/// Lifetime: keep the descriptor open while a thread waits for it. A wait whose descriptor was
/// closed may go on; a stop or the time limit ends it like any other. Threads: any, several for the
/// same descriptor.
/// Errors: std::system_error for a descriptor that is not open, with its number; and if no
/// descriptor is left when a thread has to sleep in such a wait for the first time. That wait makes
/// one (two where there is no eventfd), by which others wake the thread, and which the thread
/// keeps. Cancellation: throws when the task is stopped. Cost: one poll() if it is ready, else two;
/// no allocation, no thread. It works in a child process of fork() as the rest of roost does.
void wait_readable(int fd, site where = site::current());
/// The same with a time limit; false if it passed first.
[[nodiscard]] bool
wait_readable_for(int fd, detail::any_duration timeout, site where = site::current());
/// The same until a point in time.
[[nodiscard]] bool
wait_readable_until(int fd, detail::any_time_point deadline, site where = site::current());

/// The same for a write: there is room, or an error, which the write then reports.
void wait_writable(int fd, site where = site::current());
/// The same with a time limit; false if it passed first.
[[nodiscard]] bool
wait_writable_for(int fd, detail::any_duration timeout, site where = site::current());
/// The same until a point in time.
[[nodiscard]] bool
wait_writable_until(int fd, detail::any_time_point deadline, site where = site::current());

/// The same as cases of a select or a selector: calls handler(). A descriptor may be in several.
///
/// ```cpp
/// roost::select(roost::on_readable(socket, [&] { receive(); }),
///               roost::on_receive(answers, [&](auto a) { if (a) send(*a); }),
///               roost::on_timeout(30s, [&] { hang_up(); }));
/// ```
///
/// In a selector the case stays. Remove it before you close the descriptor: the system forgets a
/// closed descriptor without telling roost. On Linux a selector keeps its descriptors in an epoll
/// set, so thousands of them cost it no more than those that are ready; elsewhere it asks each one.
///
/// Errors: std::system_error from the select, or from selector::add(), for a descriptor that is not
/// open; where there is no epoll, add() does not check, and the selector's next wait throws. The
/// first descriptor in a selector costs another one, for the epoll set. With `otherwise` the
/// descriptors are asked just before the moment at which nothing else could happen.
template <class F = detail::no_handler>
auto on_readable(int fd, F handler = {}, site where = site::current());
/// The same for a write.
template <class F = detail::no_handler>
auto on_writable(int fd, F handler = {}, site where = site::current());

/// Signals of the system, waited for like anything else: there is no handler, and so none of the
/// rules for handlers.
///
/// ```cpp
/// int main() {
///   roost::signal_watch signals({SIGINT, SIGTERM});        // before the first thread
///   roost::task_scope scope({.name = "service"});
///   scope.spawn("serve", [] { serve(); });
///   signals.wait();
///   scope.request_stop("a signal");
/// }
/// ```
///
/// It blocks its signals in the thread that makes it, and threads inherit that: make it first in
/// main(), since a signal goes to any thread that does not block it. They stay blocked when the
/// watch is gone: a signal that comes late stays pending instead of ending the program. A child
/// process inherits the mask, too: before exec() unblock what the other program expects. To let a
/// second Ctrl-C end the program at once, wait for it in a task outside the scope that the first
/// one stops.
///
/// Several watches may have the same signal: each gets it, once, in one of its waits. As with the
/// system, signals of one number that come before the first is taken count as one. It is for
/// signals sent to the process: those to one thread, as raise() sends them, reach only waits in
/// that thread.
///
/// Lifetime: it outlives the waits for it. Threads: any. Cancellation: waits throw when their task
/// is stopped; a signal is then kept for the next. Errors: std::invalid_argument for no signal, or
/// one that cannot be blocked; std::system_error where no descriptor is left. Cost: a descriptor
/// (signalfd), or where there is none, a thread in sigwait(). A child process does not have that
/// thread, and `otherwise` in a select may be called before the thread has taken a signal just
/// sent.
class signal_watch {
 public:
  /// Blocks these signals in this thread, and collects them from here on.
  signal_watch(std::initializer_list<int> signals);
  /// The signals stay blocked.
  ~signal_watch() = default;
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

  /// Waits for the next signal, and returns its number.
  int wait(site where = site::current()) { return *wait_until(detail::no_deadline, where); }

  /// Nothing if the time passed first.
  [[nodiscard]] std::optional<int> wait_for(detail::any_duration timeout,
                                            site where = site::current()) {
    return wait_until(detail::deadline_after(timeout), where);
  }
  /// The same until a point in time.
  [[nodiscard]] std::optional<int> wait_until(detail::any_time_point deadline,
                                              site where = site::current());

 private:
  friend struct detail::signal_inbox_of;

  static sigset_t checked(std::initializer_list<int> signals);

  detail::signal_inbox inbox_;
};

/// A signal has come, and is taken: calls handler(int), with its number. In a selector the case
/// stays.
template <class F>
auto on_signal(signal_watch& signals, F handler, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

template <class F>
class signal_case final : public select_case {
  static_assert(std::invocable<F&, int>,
                "roost::on_signal: the handler must be callable with an int, the signal's number");

 public:
  signal_case(signal_inbox& inbox, F handler, site where)
      : select_case(&operation_, where),
        inbox_(inbox),
        operation_(inbox),
        handler_(std::move(handler)) {}
  signal_case(keep_t, signal_case&& other)
      : signal_case(other.inbox_, std::move(other.handler_), other.where()) {}

  bool is_over() const noexcept override { return false; }
  void run() override { handler_(operation_.taken()); }

 private:
  signal_inbox& inbox_;
  signal_inbox::take operation_;
  F handler_;
};

struct signal_inbox_of {
  static signal_inbox& get(signal_watch& signals) noexcept { return signals.inbox_; }
};

bool wait_for_descriptor(
    int fd, short events, const char* name, clock::time_point deadline, const site& where);

} // namespace detail

inline void wait_readable(int fd, site where) {
  (void)wait_readable_until(fd, detail::no_deadline, where);
}
inline bool wait_readable_for(int fd, detail::any_duration timeout, site where) {
  return wait_readable_until(fd, detail::deadline_after(timeout), where);
}
inline bool wait_readable_until(int fd, detail::any_time_point deadline, site where) {
  return detail::wait_for_descriptor(fd, POLLIN, "wait_readable", deadline, where);
}

inline void wait_writable(int fd, site where) {
  (void)wait_writable_until(fd, detail::no_deadline, where);
}
inline bool wait_writable_for(int fd, detail::any_duration timeout, site where) {
  return wait_writable_until(fd, detail::deadline_after(timeout), where);
}
inline bool wait_writable_until(int fd, detail::any_time_point deadline, site where) {
  return detail::wait_for_descriptor(fd, POLLOUT, "wait_writable", deadline, where);
}

template <class F>
auto on_readable(int fd, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::descriptor_case<F>(fd, POLLIN, std::move(handler), where);
}

template <class F>
auto on_writable(int fd, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::descriptor_case<F>(fd, POLLOUT, std::move(handler), where);
}

template <class F>
auto on_signal(signal_watch& signals, F handler, site where) {
  return detail::signal_case<F>(detail::signal_inbox_of::get(signals), std::move(handler), where);
}

#if ROOST_HAS_BODIES

ROOST_BODY bool detail::wait_for_descriptor(
    int fd, short events, const char* name, clock::time_point deadline, const site& where) {
  throw_if_stopped();
  descriptor_operation what(fd, events);
  wait_state end = wait_state::done;
  if (what.try_alone()) {
    end = end_or_stop(what.is_permanent());
  } else {
    if (deadline != no_deadline && sync::now() >= deadline)
      return false;
    end = wait_for_one(what, {name, {}, where}, deadline);
  }
  if (end == wait_state::stopped)
    raise_stop();
  if (end == wait_state::timed_out)
    return false;
  what.check(name, where);
  return true;
}

ROOST_BODY sigset_t signal_watch::checked(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  if (signals.size() == 0)
    detail::throw_invalid_argument("roost::signal_watch: it needs a signal: ({SIGINT, SIGTERM})");
  for (const int signal : signals) {
    if (signal == SIGKILL || signal == SIGSTOP || sigaddset(&set, signal) != 0)
      detail::throw_invalid_argument("roost::signal_watch: one of these is no signal, or one that "
                                     "the system lets nobody block");
  }
  return set;
}

ROOST_BODY signal_watch::signal_watch(std::initializer_list<int> signals)
    : inbox_(checked(signals)) {}

ROOST_BODY std::optional<int> signal_watch::wait_until(detail::any_time_point deadline,
                                                       site where) {
  detail::throw_if_stopped();
  detail::signal_inbox::take what(inbox_);
  if (!what.try_alone()) {
    const clock::time_point end = deadline;
    if (end != detail::no_deadline && detail::sync::now() >= end)
      return std::nullopt;
    switch (detail::wait_for_one(what, {"signal_watch::wait", {}, where}, end)) {
    case detail::wait_state::stopped:
      detail::raise_stop();
    case detail::wait_state::timed_out:
      return std::nullopt;
    default:
      break;
    }
  }
  return what.taken();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0

#endif // ROOST_IS_SUPPORTED
