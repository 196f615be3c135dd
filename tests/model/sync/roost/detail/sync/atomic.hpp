// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace roost::inline v0::detail::sync {

/// An atomic whose operations are steps of the model: a load may return what the standard allows.
template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  using value_type = T;

  constexpr atomic() noexcept : atomic(T()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  constexpr atomic(T value) noexcept : initial_(value) {}
  ~atomic() { model::destroyed(word_); }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  // NOLINTNEXTLINE(google-explicit-constructor): as std::atomic
  operator T() const noexcept { return load(); }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }

  T load(std::memory_order order = std::memory_order_seq_cst,
         model::place at = model::place::here()) const noexcept {
    return value_of(model::load(started(), order, at));
  }
  void store(T value,
             std::memory_order order = std::memory_order_seq_cst,
             model::place at = model::place::here()) noexcept {
    model::store(started(), bits(value), order, at);
  }
  T exchange(T value,
             std::memory_order order = std::memory_order_seq_cst,
             model::place at = model::place::here()) noexcept {
    return change([](std::uint64_t, std::uint64_t b) { return b; }, value, order, at);
  }
  T fetch_add(T n,
              std::memory_order order = std::memory_order_seq_cst,
              model::place at = model::place::here()) noexcept {
    return change([](std::uint64_t a, std::uint64_t b) { return a + b; }, n, order, at);
  }
  T fetch_sub(T n,
              std::memory_order order = std::memory_order_seq_cst,
              model::place at = model::place::here()) noexcept {
    return change([](std::uint64_t a, std::uint64_t b) { return a - b; }, n, order, at);
  }
  T fetch_or(T n,
             std::memory_order order = std::memory_order_seq_cst,
             model::place at = model::place::here()) noexcept {
    return change([](std::uint64_t a, std::uint64_t b) { return a | b; }, n, order, at);
  }
  T fetch_and(T n,
              std::memory_order order = std::memory_order_seq_cst,
              model::place at = model::place::here()) noexcept {
    return change([](std::uint64_t a, std::uint64_t b) { return a & b; }, n, order, at);
  }

  bool compare_exchange_strong(T& expected,
                               T desired,
                               std::memory_order success,
                               std::memory_order failure,
                               model::place at = model::place::here()) noexcept {
    std::uint64_t seen = bits(expected);
    const bool done = model::compare_exchange(started(), seen, bits(desired), success, failure, at);
    if (!done)
      expected = value_of(seen);
    return done;
  }
  bool compare_exchange_strong(T& expected,
                               T desired,
                               std::memory_order order = std::memory_order_seq_cst,
                               model::place at = model::place::here()) noexcept {
    return compare_exchange_strong(expected, desired, order, on_failure(order), at);
  }
  bool compare_exchange_weak(T& expected,
                             T desired,
                             std::memory_order success,
                             std::memory_order failure,
                             model::place at = model::place::here()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, at);
  }
  bool compare_exchange_weak(T& expected,
                             T desired,
                             std::memory_order order = std::memory_order_seq_cst,
                             model::place at = model::place::here()) noexcept {
    return compare_exchange_strong(expected, desired, order, on_failure(order), at);
  }

  const model::atomic_word& word() const noexcept { return started(); }

 private:
  static constexpr std::memory_order on_failure(std::memory_order order) noexcept {
    // as the standard says: what is left without the release
    return order == std::memory_order_acq_rel   ? std::memory_order_acquire
           : order == std::memory_order_release ? std::memory_order_relaxed
                                                : order;
  }
  T change(model::modify how, T operand, std::memory_order order, model::place at) noexcept {
    const std::uint64_t old = model::read_modify_write(started(), how, bits(operand), order, at);
    return value_of(old);
  }
  __attribute__((no_sanitize("thread"))) static std::uint64_t bits(const T& value) noexcept {
    std::uint64_t all = 0;
    std::memcpy(&all, &value, sizeof value);
    return all;
  }
  static T value_of(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
    return value;
  }
  // The bits of a constant are known when the program runs.
  __attribute__((no_sanitize("thread"))) model::atomic_word& started() const noexcept {
    if (!is_started_)
      word_.value = bits(initial_);
    is_started_ = true;
    return word_;
  }

  const T initial_;
  mutable bool is_started_ = false;
  mutable model::atomic_word word_;
};

} // namespace roost::inline v0::detail::sync
