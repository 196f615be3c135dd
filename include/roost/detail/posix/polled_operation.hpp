// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/posix/waker.hpp>
#include <roost/detail/sync/poll.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cerrno>
#include <cstddef>
#include <poll.h>

namespace roost::inline v0::detail {

/// An operation for which its thread looks at a descriptor itself. No peer does that for it, so a
/// thread that waits for one sleeps in poll(), and a peer, a stop or a close wakes it there.
///
/// The operations of this kind in one wait are a chain: link() puts each before the others, so the
/// last of them is what the record sleeps in.
///
/// INVARIANT: no wake and no readiness is lost. A thread that completes the record first changes
/// its state and then wakes; the sleeper looks at the state each time before it polls, and a wake
/// stays readable until it has returned from poll(). Readiness is level: a poll() that begins later
/// finds it, too.
class polled_operation : public operation, private sleeper {
 public:
  ROOST_BODY void link(wait_record& record) noexcept override;

  /// Throws std::system_error, see waker.
  void get_ready_to_wait() final { waker_ = &lease_.take(); }

  /// The same descriptor has another number.
  void renumber(int fd) noexcept { polled_.fd = fd; }

  int descriptor() const noexcept { return polled_.fd; }
  short events() const noexcept { return polled_.events; }

 protected:
  polled_operation(
      primitive_lock lock, wait_list* waiters, void* slot, int fd, short events) noexcept
      : operation(lock, waiters, slot),
        polled_{fd, events, 0} {}
  ~polled_operation() = default;

 private:
  /// poll() has returned `events` for the descriptor. Ends the record, or has it ended, if that is
  /// what was waited for. By the waiter, which holds no lock.
  virtual void came(wait_record& record, short events) noexcept = 0;

  /// The same if poll() has failed.
  virtual void failed(wait_record& record, int error) noexcept = 0;

  ROOST_BODY bool sleep_until(wait_record& record, clock::time_point deadline) noexcept final;

  pollfd polled_;
  waker_lease lease_;
  waker* waker_ = nullptr;           // of the thread that waits
  polled_operation* next_ = nullptr; // in the chain: one that was linked before this one
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void polled_operation::link(wait_record& record) noexcept {
  operation::link(record);
  next_ = static_cast<polled_operation*>(record.sleeps_in()); // there is no other kind of sleeper
  record.sleep_in(*this, {&waker::wake, waker_});
}

// Once the record is claimed, only its completion is waited for: a ready descriptor would not let
// poll() sleep. Of several that are ready, the one that was linked first wins; that order is random
// where turns are fair.
ROOST_BODY bool polled_operation::sleep_until(wait_record& record,
                                              clock::time_point deadline) noexcept {
  polled_operation* const last = record.is_claimed() ? nullptr : this;
  nfds_t count = 1;
  for (const polled_operation* o = last; o != nullptr; o = o->next_)
    ++count;
  // On the stack, however many they are: nothing may fail here.
  auto* const all = static_cast<pollfd*>(__builtin_alloca(count * sizeof(pollfd)));
  std::size_t place = 0;
  all[place++] = {waker_->descriptor(), POLLIN, 0};
  for (const polled_operation* o = last; o != nullptr; o = o->next_)
    all[place++] = o->polled_;

  const int ready = sync::poll_until(all, count, deadline);
  if (ready == 0)
    return false;
  if (ready < 0) {
    if (ready != -EINTR && last != nullptr)
      last->failed(record, -ready);
    return true;
  }
  if (all[0].revents != 0)
    waker_->clear();
  polled_operation* first = nullptr;
  short events = 0;
  place = 1;
  for (polled_operation* o = last; o != nullptr; o = o->next_, ++place) {
    if (all[place].revents != 0) {
      first = o;
      events = all[place].revents;
    }
  }
  if (first != nullptr)
    first->came(record, events);
  return true;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
