// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

// The library's atomics for a build that stands before include/roost/ in the search for headers:
// each thread now and then makes a pause before a step of the library, also while it holds one of
// its locks. So other threads come between steps that are mostly done in one go.

namespace roost::inline v0::detail::sync {

class pauses {
 public:
  /// Before each step of an atomic.
  static void step() noexcept {
    if (--left_ > 0)
      return;
    const std::uint64_t number = next();
    left_ = 1 + static_cast<int>(number % 61);
    switch (number / 61 % 4) {
    case 0:
      for (std::uint64_t turn = number / 244 % 3; turn <= 2; ++turn)
        std::this_thread::yield();
      break;
    case 1:
      spin(static_cast<int>(number / 244 % 2000));
      break;
    default:
      spin(static_cast<int>(number / 244 % 100));
    }
  }

 private:
  static void spin(int turns) noexcept {
    std::atomic<int> left{turns};
    // relaxed: only its own thread looks at it; atomic so that no compiler leaves the loop out
    while (left.fetch_sub(1, std::memory_order_relaxed) > 0) {
    }
  }
  static std::uint64_t next() noexcept { // splitmix64
    if (state_ == 0)
      state_ = std::hash<std::thread::id>()(std::this_thread::get_id());
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  static inline constinit thread_local int left_ = 1;
  static inline constinit thread_local std::uint64_t state_ = 0;
};

/// As std::atomic. What is not here, as operators of numbers, makes no pause.
template <class T>
class atomic : public std::atomic<T> {
  using plain = std::atomic<T>;
  using order = std::memory_order;
  static constexpr order strongest = std::memory_order_seq_cst; // the default, as std::atomic's

 public:
  using plain::plain;
  using plain::operator=;

  T load(order o = strongest) const noexcept { return pauses::step(), plain::load(o); }
  operator T() const noexcept { return load(); } // NOLINT(google-explicit-constructor): as std's
  void store(T value, order o = strongest) noexcept { pauses::step(), plain::store(value, o); }
  T exchange(T value, order o = strongest) noexcept {
    return pauses::step(), plain::exchange(value, o);
  }
  template <class... Orders>
  bool compare_exchange_strong(T& expected, T value, Orders... o) noexcept {
    return pauses::step(), plain::compare_exchange_strong(expected, value, o...);
  }
  template <class... Orders>
  bool compare_exchange_weak(T& expected, T value, Orders... o) noexcept {
    return pauses::step(), plain::compare_exchange_weak(expected, value, o...);
  }
  T fetch_add(T n, order o = strongest) noexcept { return pauses::step(), plain::fetch_add(n, o); }
  T fetch_sub(T n, order o = strongest) noexcept { return pauses::step(), plain::fetch_sub(n, o); }
  T fetch_or(T n, order o = strongest) noexcept { return pauses::step(), plain::fetch_or(n, o); }
  T fetch_and(T n, order o = strongest) noexcept { return pauses::step(), plain::fetch_and(n, o); }
};

} // namespace roost::inline v0::detail::sync
