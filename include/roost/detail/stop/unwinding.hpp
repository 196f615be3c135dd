// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/stop/exceptions_here.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/thread_slot.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <utility>

// The root cause comes first.
//
// A task's failure is known when its exception has left the task. Before that its stack unwinds,
// and other tasks see the effects: the last sender closes its channel, a token counts down. Another
// task takes such an effect for a normal end and fails because of it, and its failure may be known
// first. So failures are ordered by their moments. The moment of a failure is the one at which its
// unwinding first touched roost, or else the one at which it is known.
//
// INVARIANT: the moment of a consequence is later than that of its cause. Moments are numbers of
// one counter. An object that goes takes its moment before other threads can see that it has gone;
// a thread that sees this takes a later one.
//
// The standard does not tell which exception is in flight. So a note of the first touch is good
// until thread_slot::waits next changes, in a call of roost that may wait: by then the exception
// may have been handled, and the next one may be the consequence of what the thread has waited for.
// Calls that surely belong to the unwinding keep the note: the end of a scope, and calls under a
// shield or a scope that is made during the unwinding.

namespace roost::inline v0::detail {

// One in the whole program, as this_thread.
[[gnu::visibility("default")]] inline constinit sync::atomic<std::uint64_t> last_moment{0};

/// Later than all that were taken before.
inline std::uint64_t next_moment() noexcept {
  // relaxed: the changes of one counter have one order, which agrees with happens-before; nothing
  // else is published
  return last_moment.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// Takes a note if an exception is in flight, or in a handler, which may rethrow it. Called before
/// something is done, or goes, that other threads may see.
inline void note_if_unwinding() noexcept {
  thread_slot& here = this_thread;
  if (here.top == nullptr) // no failure of this thread reaches a scope
    return;
  const int in_flight = exceptions_here();
  if (in_flight != 0 && !here.note_is_good())
    here.touched = {next_moment(), here.waits, in_flight};
}

/// The same at the beginning of calls that never wait; so it is also their sync::at_call().
inline void note_unwinding(const void* object = nullptr) noexcept {
  sync::at_call(object);
  note_if_unwinding();
}

/// The moment of the exception that the calling thread has caught; 0 if its unwinding has touched
/// nothing. A note of an exception that is still in flight, further out, does not count.
inline std::uint64_t moment_of_caught() noexcept {
  const thread_slot& here = this_thread;
  const bool is_its_own = here.touched.in_flight > std::uncaught_exceptions();
  return here.note_is_good() && is_its_own ? here.touched.moment : 0;
}

/// Called before the calling thread throws a failure. It keeps `moment`; 0: it gets a new one.
inline void throw_with_moment(std::uint64_t moment) noexcept {
  this_thread.touched = {moment, this_thread.waits, std::uncaught_exceptions() + 1};
}

/// While it lives, calls that may wait belong to the unwinding, if it is made in one: in a
/// destructor or a handler. It ends on the thread that made it, unless it is not wanted.
class unwinding_goes_on {
 public:
  explicit unwinding_goes_on(bool is_wanted = true) noexcept
      : was_good_(is_wanted && this_thread.note_is_good() && goes_on()) {}
  ~unwinding_goes_on() {
    const bool is_another =
        this_thread.note_is_good() && this_thread.touched.moment != note_.moment;
    if (was_good_ && goes_on() && !is_another)
      this_thread.touched = {note_.moment, this_thread.waits, note_.in_flight};
  }
  unwinding_goes_on(const unwinding_goes_on&) = delete;
  unwinding_goes_on& operator=(const unwinding_goes_on&) = delete;

 private:
  bool goes_on() const noexcept {
    return std::uncaught_exceptions() >= note_.in_flight || std::current_exception();
  }

  const unwinding_note note_ = this_thread.touched;
  const bool was_good_;
};

} // namespace roost::inline v0::detail
