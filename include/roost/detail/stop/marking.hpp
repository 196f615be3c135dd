// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/yield.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace roost::inline v0::detail {

/// Counts the stops that are in their first loop, in the whole program.
///
/// A thread that polls its domain may see the mark, end, and so bring about something permanent,
/// such as a close, before the loop has come to a domain below. A thread in that domain that finds
/// the result without waiting calls await_none() before it looks at its own mark. (Not covered: one
/// that is blocked, and claimed with that result before the loop comes to it. It cannot tell the
/// result from one that was there before the stop, which it is to have.)
///
/// INVARIANT: after await_none() the thread finds all domains marked by each stop of which it has
/// seen an effect. What it has seen happened after a mark, and so after the stop's begin(). So the
/// count that it reads is zero only if it comes after that stop's end() as well, and then it is in
/// the release sequence of that end().
class marking {
 public:
  /// Before the first mark can be seen, and after the last one is set.
  static void begin() noexcept { count().fetch_add(1, std::memory_order_relaxed); } // see above
  static void end() noexcept {
    // release: publishes the marks; pairs with acquire in await_none()
    count().fetch_sub(1, std::memory_order_release);
  }

  /// Precondition: the thread is in no first loop, and holds no lock that such a loop takes.
  static void await_none() noexcept {
    if (is_under_way()) [[unlikely]]
      wait();
  }

 private:
  // One count in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static sync::atomic<std::uint32_t>& count() noexcept {
    static constinit sync::atomic<std::uint32_t> stops{0};
    return stops;
  }

  static bool is_under_way() noexcept {
    return count().load(std::memory_order_acquire) != 0; // pairs with release in end()
  }

  static void wait() noexcept;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

// The loop is short. But the thread that is in it may have lost the processor, perhaps to this one.
ROOST_COLD_BODY void marking::wait() noexcept {
  constexpr int offers = 8;
  for (int offered = 0; offered < offers && is_under_way(); ++offered)
    sync::yield();
  while (is_under_way())
    sync::sleep_for(std::chrono::microseconds{50});
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
