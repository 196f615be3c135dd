// SPDX-License-Identifier: BSL-1.0
#pragma once

// The inside of the model: what its sources share. See runtime.hpp.

#include "model/runtime.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <pthread.h>

namespace model {

/// What it takes from a bounded budget to choose something else than what comes first.
enum class price : std::uint8_t { nothing, preemption, staleness, time };
inline constexpr std::size_t prices = 4;

enum class status { unused, runs, spins, sleeps, over };

struct thread {
  int id = 0;
  status is = status::unused;
  const void* sleeps_on = nullptr;
  const char* sleeps_in = "";
  place where;
  std::int64_t deadline = never;
  bool timed_out = false;
  std::uint64_t asleep_since = 0;

  vector_clock knows;
  std::uint64_t saw_all_until = 0; // no store that was replaced before is read any more
  std::array<const void*, 4> looked_at{};
  std::size_t looks = 0;

  void (*run)(void*) = nullptr;
  void* on = nullptr;
  pthread_t system{};
  std::uint32_t may_go = 0; // what the real thread sleeps on

  std::uint16_t moment() const noexcept { return knows.at[static_cast<std::size_t>(id)]; }
  void tick() noexcept { ++knows.at[static_cast<std::size_t>(id)]; }
};

struct world {
  std::array<thread, most_threads> threads;
  int count = 0;
  std::uint32_t run = 0;
  std::int64_t time = 0;
  std::uint64_t stores = 0;
  std::uint64_t sleeps = 0;
  unsigned steps = 0;
  unsigned spins_in_vain = 0;
  std::size_t processors = 2;
  long allocated = 0; // blocks of memory in use
  bool traces = false;
};

inline constexpr unsigned most_steps = 20000; // of a run

extern world the_world;
extern thread_local thread* current; // null outside of runs

inline vector_clock& knowledge() noexcept {
  return current->knows;
}

// --- world.cpp

void begin_run(void (*body)(), std::size_t processors, bool traces);
void end_run();

/// Another thread may go on before the calling one does `what` at `address`.
void step(const void* address, const char* what, place where) noexcept;
/// A store at `address` has changed its value: those that spin there look again.
void changed(const void* address) noexcept;
void trace(const char* what, const void* address, std::uint64_t value, place where) noexcept;

// --- explorer.cpp

/// One of several alternatives; 0 is what happens where nothing special does.
struct alternatives {
  std::array<price, 16> costs{};
  std::array<int, 16> threads{}; // where it is about which thread goes on
  std::size_t count = 0;
  bool is_about_threads = false;
  bool is_hidden =
      false; // of no use to an exhaustive search: one thread alone has used the address so far

  void add(price cost, int thread = -1) noexcept {
    if (count == costs.size())
      return;
    costs[count] = cost;
    threads[count++] = thread;
  }
};
std::size_t choose(const alternatives& among) noexcept;
bool is_shared(const void* address, int thread) noexcept;

// --- memory.cpp

/// Plain accesses are known to the race detector; so are the beginning and the end of what an
/// atomic lies in.
void plain_access(const void* address, std::size_t size, bool writes, void* from) noexcept;
void begin_memory() noexcept;
/// The stack of a thread of the model; its thread-locals lie there, too.
void* stack_of(int thread) noexcept;
inline constexpr std::size_t stack_size = std::size_t{512} << 10;

} // namespace model
