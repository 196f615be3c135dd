// SPDX-License-Identifier: BSL-1.0
#pragma once

// Replaces the operators new and delete of the whole program: only for a program of one file.

#include "support/countdown.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace test {

/// Whatever keeps it needs memory.
inline constexpr const char* long_name = "a name that is too long to lie in the string itself";

/// Which allocation of this thread fails, counted down; negative: none.
inline constinit thread_local long until_failure = -1;

/// While true, all allocations of this thread fail.
inline constinit thread_local bool no_memory = false;

/// Every allocation of this thread fails while it lives.
struct without_memory {
  without_memory() { no_memory = true; }
  without_memory(const without_memory&) = delete;
  without_memory& operator=(const without_memory&) = delete;
  ~without_memory() { no_memory = false; }
};

/// Runs `f()` while every allocation of this thread fails. False if it has thrown bad_alloc.
template <class F>
bool goes_without_memory(F f) {
  const without_memory now;
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Those of all threads that fail.
inline countdown failing_allocations;

/// Made and not yet released, by any thread.
inline std::atomic<long> living_allocations{0};

inline void* allocate(std::size_t size, std::size_t alignment) {
  if (no_memory || (until_failure >= 0 && until_failure-- == 0) || failing_allocations.is_due())
    throw std::bad_alloc();
  const std::size_t rounded =
      (std::max(size, std::size_t{1}) + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr)
    throw std::bad_alloc();
  ++living_allocations;
  return memory;
}

inline void* allocate_or_not(std::size_t size, std::size_t alignment) noexcept {
  try {
    return allocate(size, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

inline void release(void* memory) noexcept {
  if (memory != nullptr)
    --living_allocations;
  std::free(memory); // NOLINT(cppcoreguidelines-no-malloc): this is what delete is made of
}

} // namespace test

void* operator new(std::size_t size) {
  return test::allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return test::allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return test::allocate_or_not(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return test::allocate_or_not(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  test::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  test::release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  test::release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  test::release(memory);
}
