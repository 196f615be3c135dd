// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the headers in sync/ call instead of the system: the world in which one run of a case takes
// place.
//
// Threads of a run are real ones, of which only one goes on at a time. Before each visible
// operation it asks the scheduler, which goes on with it or with another. All else that happens is
// determined by what was chosen.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace model {

inline constexpr int most_threads = 8;

/// What a thread knows of all threads: how far each was when it last heard of it.
struct vector_clock {
  std::array<std::uint16_t, most_threads> at{};

  void join(const vector_clock& other) noexcept {
    for (std::size_t i = 0; i < at.size(); ++i)
      at[i] = at[i] < other.at[i] ? other.at[i] : at[i];
  }
};

/// Where in the source an operation stands, for traces.
struct place {
  const char* file = "";
  int line = 0;

  static constexpr place here(const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// What an atomic is without its type. The value is the last one stored; what others may still read
/// lies with the history, which each run makes anew.
struct atomic_word {
  std::uint64_t value = 0;
  mutable void* history = nullptr;
  mutable std::uint32_t run = 0;
  std::uint32_t alive = is_alive;

  static constexpr std::uint32_t is_alive = 0xa11fe;
};

using modify = std::uint64_t (*)(std::uint64_t old, std::uint64_t operand);

std::uint64_t load(const atomic_word& word, std::memory_order order, place where) noexcept;
void store(atomic_word& word, std::uint64_t value, std::memory_order order, place where) noexcept;
std::uint64_t read_modify_write(atomic_word& word,
                                modify how,
                                std::uint64_t operand,
                                std::memory_order order,
                                place where) noexcept;
bool compare_exchange(atomic_word& word,
                      std::uint64_t& expected,
                      std::uint64_t desired,
                      std::memory_order success,
                      std::memory_order failure,
                      place where) noexcept;
void destroyed(atomic_word& word) noexcept;

inline constexpr std::int64_t never = INT64_MAX; // a deadline, in nanoseconds

struct mutex_word {
  std::uint32_t run = 0;
  int owner = -1;
  vector_clock released{};
};

void lock(mutex_word& mutex, place where) noexcept;
bool try_lock(mutex_word& mutex, place where) noexcept;
void unlock(mutex_word& mutex, place where) noexcept;

/// Unlocks, sleeps until notified, locks. False if the deadline came first.
bool wait(const void* condition, mutex_word& mutex, std::int64_t deadline, place where) noexcept;
void notify(const void* condition, bool all, place where) noexcept;

/// As a futex: looks and falls asleep in one step.
void wait_while(const atomic_word& word,
                std::uint64_t value,
                std::int64_t deadline,
                place where) noexcept;
void wake(const atomic_word& word, place where) noexcept;

/// Spins: goes on when what the thread has read last has changed, or when no other thread can go
/// on.
void spin(place where) noexcept;
/// Any thread may come first.
void yield(place where) noexcept;

/// Virtual time: it passes when the scheduler says so.
std::int64_t now() noexcept;

std::size_t processors() noexcept;

int start_thread(void (*run)(void* on), void* on) noexcept;
void join(int thread) noexcept;

/// What lay on the stack of the calling thread, below its caller, is not there any more: so a late
/// use of it is one after its end. To be called after a wait.
void forget_stack() noexcept;

/// Ends the run, and the process: the program is wrong.
[[noreturn]] void fail(const char* what) noexcept;

} // namespace model
