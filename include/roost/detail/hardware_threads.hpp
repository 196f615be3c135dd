// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <thread>

namespace roost::inline v0::detail {

/// Asked for once: it takes as long as to wake a thread.
inline std::size_t hardware_threads() noexcept {
  static const unsigned known = std::thread::hardware_concurrency();
  return known != 0 ? known : 1;
}

/// How many threads may be on their way at once, woken and not yet at work: as many as can get a
/// processor, for whoever wakes them keeps one.
inline std::size_t worth_waking() noexcept {
  return hardware_threads() > 1 ? hardware_threads() - 1 : 1;
}

} // namespace roost::inline v0::detail
