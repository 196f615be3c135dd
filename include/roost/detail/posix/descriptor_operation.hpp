// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/posix/polled_operation.hpp>
#include <roost/detail/sync/poll.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <string>
#include <system_error>

namespace roost::inline v0::detail {

struct kept_case;

/// To find a descriptor ready, or to wait for that. An error of the wait itself, such as a
/// descriptor that is not open, counts as ready, too: check() throws it then.
///
/// Its lock guards nothing that other threads could change. It is there because an operation
/// without a lock counts as one that only the time makes happen.
class descriptor_operation final : public polled_operation {
 public:
  descriptor_operation(int fd, short events) noexcept
      : polled_operation(nobody_else_, nullptr, nullptr, fd, events) {}

  /// Asks the system. Never throws.
  ROOST_BODY bool try_alone() noexcept override;

  // The system is not asked while other primitives' locks are held: it was asked before, and is
  // asked again in the sleep.
  bool try_locked() noexcept override { return false; }
  void conclude(wait_state) noexcept override {}
  bool is_permanent() const noexcept override { return true; } // it takes nothing away
  ROOST_BODY void describe(object_note& note) const noexcept override;

  /// Which error of the system has happened instead; 0 for none.
  int error() const noexcept { return error_; }
  void fail(int error) noexcept { error_ = error; }

  /// Throws std::system_error if an error has passed for readiness.
  void check(const char* what, const site& where) const {
    if (error_ != 0)
      throw_error(what, where);
  }

 private:
  void came(wait_record& record, short events) noexcept override {
    if (record.end_at(node()))
      error_ = error_in(events);
  }
  void failed(wait_record& record, int error) noexcept override {
    if (record.end_at(node()))
      error_ = error;
  }
  static int error_in(short events) noexcept { return (events & POLLNVAL) != 0 ? EBADF : 0; }

  [[noreturn]] ROOST_COLD_BODY void throw_error(const char* what, const site& where) const;

  friend class epoll_cases;
  kept_case* kept_ = nullptr;            // in a selector: its case
  descriptor_operation* next_ = nullptr; // there: another one of that descriptor

  spin_lock nobody_else_;
  int error_ = 0;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY bool descriptor_operation::try_alone() noexcept {
  error_ = descriptor() < 0 ? EBADF : 0; // poll() passes over what is negative
  if (error_ != 0)
    return true;
  pollfd one{descriptor(), events(), 0};
  const int ready = sync::poll_now(&one, 1);
  error_ = ready < 0 && ready != -EINTR ? -ready : error_in(one.revents);
  return ready > 0 || error_ != 0;
}

ROOST_BODY void descriptor_operation::describe(object_note& note) const noexcept {
  note.kind = "descriptor";
  note.detail.add("fd ").add(static_cast<std::uint64_t>(descriptor()));
}

ROOST_COLD_BODY void descriptor_operation::throw_error(const char* what, const site& where) const {
  throw std::system_error(error_,
                          std::generic_category(),
                          joined({what, " of fd ", std::to_string(descriptor()), " at ", where}));
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
