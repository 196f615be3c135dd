// SPDX-License-Identifier: BSL-1.0

// Plain data. The cases are compiled with the instrumentation of ThreadSanitizer, but what it calls
// is here: so each access of the library to the heap, to statics and to the stacks of the run's
// threads is checked against what happens before it in the model. Memory of a run is never used
// again in that run, so a use after its end shows, too. What std::atomic does inside of the
// standard library (counts of shared_ptr, stop states) orders what it orders, but is no step.

#include "model/world.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

extern "C" {
extern char __data_start; // NOLINT(bugprone-reserved-identifier): the linker's
extern char _end;         // NOLINT(bugprone-reserved-identifier): the linker's
}

namespace model {

void forget_histories() noexcept;

namespace {

// What is known of eight bytes.
struct granule {
  std::uint32_t run;
  bool freed;
  std::array<std::uint32_t, most_threads> read_from;
  std::array<std::uint32_t, most_threads> written_from;
  std::array<std::array<std::uint16_t, 8>, most_threads> read;
  std::array<std::array<std::uint16_t, 8>, most_threads> written;
};

struct region {
  char* begin = nullptr;
  std::size_t size = 0;
  granule* shadow = nullptr;

  granule* at(std::uintptr_t address) const noexcept {
    const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(begin);
    return offset < size ? shadow + offset / 8 : nullptr;
  }
};

void* map(std::size_t size) noexcept {
  void* const memory = mmap(
      nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    std::abort();
  return memory;
}

region shadowed(char* begin, std::size_t size) noexcept {
  return {begin, size, static_cast<granule*>(map((size / 8 + 1) * sizeof(granule)))};
}

constexpr std::size_t heap_size = std::size_t{4} << 20;
region heap;
region stacks;
region statics;
std::size_t heap_used = 0;

const region& setup() noexcept {
  if (heap.begin == nullptr) {
    heap = shadowed(static_cast<char*>(map(heap_size)), heap_size);
    stacks =
        shadowed(static_cast<char*>(map(stack_size * most_threads)), stack_size * most_threads);
    char* const begin = &__data_start - reinterpret_cast<std::uintptr_t>(&__data_start) % 8;
    statics = shadowed(begin, static_cast<std::size_t>(&_end - begin));
  }
  return heap;
}

granule* granule_at(std::uintptr_t address) noexcept {
  if (granule* const g = stacks.at(address))
    return g;
  if (granule* const g = heap.at(address))
    return g;
  return statics.at(address);
}

[[noreturn]] void report(const char* what,
                         std::uintptr_t address,
                         void* from,
                         std::uint32_t other,
                         int thread) noexcept {
  std::array<char, 300> text{};
  std::snprintf(text.data(),
                text.size(),
                "%s: at %p, by thread %d from <%p>; before by thread %d from <%p>",
                what,
                reinterpret_cast<void*>(address),
                current->id,
                from,
                thread,
                reinterpret_cast<void*>(static_cast<std::uintptr_t>(other)));
  fail(text.data());
}

void check(granule& g,
           std::uintptr_t address,
           std::size_t first,
           std::size_t last,
           bool writes,
           void* from) noexcept {
  if (g.run != the_world.run) {
    std::memset(static_cast<void*>(&g), 0, sizeof g);
    g.run = the_world.run;
  }
  const auto me = static_cast<std::size_t>(current->id);
  if (g.freed)
    report("use of memory that is freed", address, from, g.written_from[me], current->id);
  for (std::size_t t = 0; t < static_cast<std::size_t>(the_world.count); ++t) {
    if (t == me)
      continue;
    const std::uint16_t known = current->knows.at[t];
    for (std::size_t i = first; i <= last; ++i) {
      if (g.written[t][i] > known)
        report(writes ? "data race of writes" : "data race: read of what another thread writes",
               address,
               from,
               g.written_from[t],
               static_cast<int>(t));
      if (writes && g.read[t][i] > known)
        report("data race: write of what another thread reads",
               address,
               from,
               g.read_from[t],
               static_cast<int>(t));
    }
  }
  auto& mine = writes ? g.written[me] : g.read[me];
  for (std::size_t i = first; i <= last; ++i)
    mine[i] = current->moment();
  (writes ? g.written_from : g.read_from)[me] =
      static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(from));
}

} // namespace

void* stack_of(int thread) noexcept {
  setup();
  return stacks.begin + static_cast<std::size_t>(thread) * stack_size;
}

void begin_memory() noexcept {
  setup();
  heap_used = 0;
  forget_histories();
}

void plain_access(const void* at, std::size_t size, bool writes, void* from) noexcept {
  if (current == nullptr)
    return;
  std::uintptr_t address = reinterpret_cast<std::uintptr_t>(at);
  const std::uintptr_t end = address + size;
  while (address < end) {
    const std::uintptr_t next = (address / 8 + 1) * 8;
    const std::uintptr_t last = (next < end ? next : end) - 1;
    if (granule* const g = granule_at(address))
      check(*g, address, address % 8, last % 8, writes, from);
    address = next;
  }
}

void forget_stack() noexcept {
  constexpr std::size_t depth = 1536;
  const char* const here = static_cast<const char*>(__builtin_frame_address(0));
  plain_access(here - depth, depth, true, __builtin_return_address(0));
}

namespace {

void* allocate(std::size_t size, std::size_t alignment) {
  if (current == nullptr) {
    void* const memory =
        std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (memory == nullptr)
      throw std::bad_alloc();
    return memory;
  }
  if (size == 0)
    size = 1; // a place of its own, as free_block() writes there
  // In front of a block stands its size.
  const std::size_t begin = (heap_used + 16 + alignment - 1) / alignment * alignment;
  heap_used = begin + size;
  if (heap_used > heap_size)
    fail("the run takes more and more memory: it does not end");
  std::memcpy(heap.begin + begin - 16, &size, sizeof size);
  std::memset(heap.begin + begin, 0xcd, size < 4096 ? size : 4096);
  ++the_world.allocated;
  return heap.begin + begin;
}

void free_block(void* memory, void* from) noexcept {
  if (memory == nullptr)
    return;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (heap.at(address) == nullptr) {
    std::free(memory);
    return;
  }
  if (current == nullptr)
    return;
  std::size_t size = 0;
  std::memcpy(&size, static_cast<char*>(memory) - 16, sizeof size);
  plain_access(memory, size, true, from);
  std::memset(memory, 0xdd, size < 4096 ? size : 4096);
  for (std::size_t i = 0; i < size; i += 8)
    granule_at(address + i)->freed = true;
  --the_world.allocated;
}

// The order in which std's own atomics hand on what is known: one clock for each address.
struct std_atomic {
  std::uintptr_t address = 0;
  std::uint32_t run = 0;
  vector_clock released;
};
std::array<std_atomic, 1024> std_atomics;

std_atomic& std_atomic_at(const volatile void* at) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  for (std::size_t i = (address / 4) % std_atomics.size();; i = (i + 1) % std_atomics.size()) {
    std_atomic& a = std_atomics[i];
    if (a.run != the_world.run)
      a = {address, the_world.run, {}};
    if (a.address == address)
      return a;
  }
}

constexpr int relaxed_order = __ATOMIC_RELAXED;

void std_access(const volatile void* at,
                std::size_t size,
                int order,
                bool reads,
                bool writes,
                void* from) noexcept {
  if (current == nullptr)
    return;
  plain_access(const_cast<const void*>(at), size, false, from);
  if (order == relaxed_order)
    return;
  std_atomic& a = std_atomic_at(at);
  if (reads && order != __ATOMIC_RELEASE)
    knowledge().join(a.released);
  if (writes && order != __ATOMIC_ACQUIRE && order != __ATOMIC_CONSUME) {
    a.released.join(knowledge());
    current->tick();
  }
}

} // namespace
} // namespace model

// --- what instrumented code calls -------------------------------------------------

#define FROM __builtin_return_address(0)

// NOLINTBEGIN(bugprone-reserved-identifier): the names of the instrumentation
extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void** at) {
  model::plain_access(at, 8, false, FROM);
}
void __tsan_vptr_update(void** at, void* value) {
  if (*at != value)
    model::plain_access(at, 8, true, FROM);
}
void __tsan_read_range(void* at, std::size_t size) {
  model::plain_access(at, size, false, FROM);
}
void __tsan_write_range(void* at, std::size_t size) {
  model::plain_access(at, size, true, FROM);
}

#define ACCESSES(size)                                                                             \
  void __tsan_read##size(void* at) {                                                               \
    model::plain_access(at, size, false, FROM);                                                    \
  }                                                                                                \
  void __tsan_write##size(void* at) {                                                              \
    model::plain_access(at, size, true, FROM);                                                     \
  }                                                                                                \
  void __tsan_unaligned_read##size(void* at) {                                                     \
    model::plain_access(at, size, false, FROM);                                                    \
  }                                                                                                \
  void __tsan_unaligned_write##size(void* at) {                                                    \
    model::plain_access(at, size, true, FROM);                                                     \
  }                                                                                                \
  void __tsan_volatile_read##size(void* at) {                                                      \
    model::plain_access(at, size, false, FROM);                                                    \
  }                                                                                                \
  void __tsan_volatile_write##size(void* at) {                                                     \
    model::plain_access(at, size, true, FROM);                                                     \
  }                                                                                                \
  void __tsan_read_write##size(void* at) {                                                         \
    model::plain_access(at, size, false, FROM);                                                    \
    model::plain_access(at, size, true, FROM);                                                     \
  }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

// An increment of a count of references orders nothing, whatever the standard library asks of the
// processor.
#define ATOMICS(bits, type)                                                                        \
  type __tsan_atomic##bits##_load(const volatile type* at, int order) {                            \
    model::std_access(at, sizeof(type), order, true, false, FROM);                                 \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                                \
  void __tsan_atomic##bits##_store(volatile type* at, type value, int order) {                     \
    model::std_access(at, sizeof(type), order, false, true, FROM);                                 \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                 \
  }                                                                                                \
  type __tsan_atomic##bits##_exchange(volatile type* at, type value, int order) {                  \
    model::std_access(at, sizeof(type), order, true, true, FROM);                                  \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                       \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_add(volatile type* at, type value, int order) {                 \
    const bool counts_up = value == 1;                                                             \
    model::std_access(                                                                             \
        at, sizeof(type), counts_up ? model::relaxed_order : order, true, true, FROM);             \
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_sub(volatile type* at, type value, int order) {                 \
    model::std_access(at, sizeof(type), order, true, true, FROM);                                  \
    return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_and(volatile type* at, type value, int order) {                 \
    model::std_access(at, sizeof(type), order, true, true, FROM);                                  \
    return __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_or(volatile type* at, type value, int order) {                  \
    model::std_access(at, sizeof(type), order, true, true, FROM);                                  \
    return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);                                         \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_strong(                                               \
      volatile type* at, type* expected, type value, int order, int) {                             \
    model::std_access(at, sizeof(type), order, true, true, FROM);                                  \
    return __atomic_compare_exchange_n(                                                            \
        at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                           \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_weak(                                                 \
      volatile type* at, type* expected, type value, int order, int failure) {                     \
    return __tsan_atomic##bits##_compare_exchange_strong(at, expected, value, order, failure);     \
  }                                                                                                \
  type __tsan_atomic##bits##_compare_exchange_val(                                                 \
      volatile type* at, type expected, type value, int order, int failure) {                      \
    __tsan_atomic##bits##_compare_exchange_strong(at, &expected, value, order, failure);           \
    return expected;                                                                               \
  }
ATOMICS(8, unsigned char)
ATOMICS(16, unsigned short)
ATOMICS(32, unsigned)
ATOMICS(64, unsigned long)

// A static of a function: made by one thread, and others wait meanwhile. Byte 0 says that it is
// made, byte 1 that it is being made.
int __cxa_guard_acquire(unsigned char* guard) {
  while (guard[0] == 0 && guard[1] != 0)
    model::yield({});
  model::std_access(guard, 1, __ATOMIC_ACQUIRE, true, false, FROM);
  if (guard[0] != 0)
    return 0;
  guard[1] = 1;
  return 1;
}
void __cxa_guard_release(unsigned char* guard) {
  model::std_access(guard, 1, __ATOMIC_RELEASE, false, true, FROM);
  guard[0] = 1;
  guard[1] = 0;
}
void __cxa_guard_abort(unsigned char* guard) {
  guard[1] = 0;
}
}
// NOLINTEND(bugprone-reserved-identifier)

// --- the heap -----------------------------------------------------------------------

void* operator new(std::size_t size) {
  return model::allocate(size, 16);
}
void* operator new[](std::size_t size) {
  return model::allocate(size, 16);
}
void* operator new(std::size_t size, std::align_val_t to) {
  return model::allocate(size, static_cast<std::size_t>(to));
}
void operator delete(void* memory) noexcept {
  model::free_block(memory, FROM);
}
void operator delete[](void* memory) noexcept {
  model::free_block(memory, FROM);
}
void operator delete(void* memory, std::size_t) noexcept {
  model::free_block(memory, FROM);
}
void operator delete[](void* memory, std::size_t) noexcept {
  model::free_block(memory, FROM);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  model::free_block(memory, FROM);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  model::free_block(memory, FROM);
}
