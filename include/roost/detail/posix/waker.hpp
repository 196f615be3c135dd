// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/posix/owned_descriptor.hpp>
#include <roost/detail/wait/own_of_thread.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/types.h>
#include <unistd.h>
#if __has_include(<sys/eventfd.h>)
#include <sys/eventfd.h>
#else
#include <fcntl.h>
#endif

namespace roost::inline v0::detail {

/// Makes a thread's poll() return: a descriptor of its own among those that it waits for, an
/// eventfd, or a pipe where there is none.
///
/// A wake that comes late makes a later poll() return without cause: the sleeper looks again at
/// what it waits for. So, as with parkers, wakers come from a pool that never frees them: else a
/// late one would write to what another part of the program has opened under the same number.
///
/// Threads: any may wake; the rest is the owner's.
class waker {
 public:
  /// Throws std::system_error where no descriptor is left.
  waker() { open(); }
  ~waker() = default;
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;

  /// Readable from the first wake on until clear().
  int descriptor() const noexcept { return reads_.number(); }

  /// For a resumption: `sleeper` is a waker.
  ROOST_BODY static void wake(void* sleeper) noexcept;

  ROOST_BODY void clear() noexcept;

  /// A fork has left the process with the descriptor of its parent, and each would take the wakes
  /// of the other: the child makes a new one. May throw as the constructor.
  void renew_after_fork() {
    if (process_ != ::getpid())
      open();
  }

 private:
  template <class>
  friend class pool_of;

  ROOST_BODY void open();

  owned_descriptor reads_;
  owned_descriptor writes_; // none where reads_ is both
  pid_t process_ = 0;
  waker* next_free_ = nullptr; // guarded by the pool's mutex
};

/// The waker of a thread that waits: its own, or one from the pool. An operation that is kept may
/// be waited for by one thread after another.
class waker_lease {
 public:
  waker_lease() = default;
  ROOST_BODY ~waker_lease();
  waker_lease(const waker_lease&) = delete;
  waker_lease& operator=(const waker_lease&) = delete;

  /// That of the calling thread, from its first wait for a descriptor on. Throws std::system_error
  /// where no descriptor is left for it.
  ROOST_BODY waker& take();

 private:
  waker* from_pool_ = nullptr; // to be given back
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void waker::open() {
  constexpr const char* message =
      "roost: no descriptor is left to wake a thread that waits for one";
#if __has_include(<sys/eventfd.h>)
  reads_ = owned_descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), message);
#else
  std::array<int, 2> ends{-1, -1};
  if (::pipe(ends.data()) != 0)
    throw_system_error(message);
  reads_ = owned_descriptor(ends[0], message);
  writes_ = owned_descriptor(ends[1], message);
  for (const int end : ends) {
    (void)::fcntl(end, F_SETFD, FD_CLOEXEC);
    (void)::fcntl(end, F_SETFL, O_NONBLOCK);
  }
#endif
  process_ = ::getpid();
}

// If the write fails because so much is unread, it is not needed.
ROOST_BODY void waker::wake(void* sleeper) noexcept {
  const waker& it = *static_cast<const waker*>(sleeper);
  const int users_error = errno;
  const std::uint64_t one = 1;
#if __has_include(<sys/eventfd.h>)
  (void)!::write(it.reads_.number(), &one, sizeof one);
#else
  (void)!::write(it.writes_.number(), &one, 1);
#endif
  errno = users_error;
}

ROOST_BODY void waker::clear() noexcept {
  const int users_error = errno;
  std::array<std::uint64_t, 8> written{}; // of an eventfd the first has all
  (void)!::read(reads_.number(), written.data(), sizeof written);
  errno = users_error;
}

ROOST_BODY waker& waker_lease::take() {
  waker* taken = own_of_thread<waker>::get();
  if (taken == nullptr) {
    if (from_pool_ == nullptr)
      from_pool_ = &pool_of<waker>::instance().take();
    taken = from_pool_;
  }
  taken->renew_after_fork();
  return *taken;
}

ROOST_BODY waker_lease::~waker_lease() {
  if (from_pool_ != nullptr)
    pool_of<waker>::instance().give_back(*from_pool_);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
