// SPDX-License-Identifier: BSL-1.0

#include "model/world.hpp"

#include <cstdarg>
#include <cstdio>
#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace model {

world the_world;
thread_local thread* current = nullptr;

namespace {

std::uint32_t run_is_over = 0; // what the explorer sleeps on

// The C library's, which is replaced below for the threads of a run.
using system_call = long (*)(long number, ...);
const auto real_system_call = reinterpret_cast<system_call>(dlsym(RTLD_NEXT, "syscall"));

long call_system(long number, const void* word, int what, long value) noexcept {
  return real_system_call(number, word, what, value, nullptr, nullptr, 0);
}

void await(std::uint32_t& word) noexcept {
  // acquire: all that ran before; pairs with the release in set()
  while (__atomic_exchange_n(&word, 0U, __ATOMIC_ACQUIRE) == 0)
    call_system(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0);
}

void set(std::uint32_t& word) noexcept {
  // release: see await()
  __atomic_store_n(&word, 1U, __ATOMIC_RELEASE);
  call_system(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1);
}

void wake_up(thread& t) noexcept {
  t.is = status::runs;
  t.sleeps_on = nullptr;
  t.deadline = never;
}

// The chosen one goes on; the calling thread sleeps, if it is another and not over.
void go_on_with(thread& next) noexcept {
  if (next.is == status::sleeps) { // chosen because its time has come
    the_world.time = the_world.time < next.deadline ? next.deadline : the_world.time;
    next.timed_out = true;
    wake_up(next);
    if (the_world.traces)
      std::fprintf(stderr, "        the deadline of thread %d passes\n", next.id);
  }
  thread& me = *current;
  if (&next == &me)
    return;
  set(next.may_go);
  if (me.is != status::over)
    await(me.may_go);
}

void add_runnable(alternatives& all, price cost) noexcept {
  for (int i = 0; i < the_world.count; ++i) {
    const thread& t = the_world.threads[static_cast<std::size_t>(i)];
    if (&t != current && t.is == status::runs)
      all.add(cost, i);
  }
}

// Deadlines that have passed cost nothing: their threads are as those that can run.
void add_timed(alternatives& all, price passed) noexcept {
  for (int i = 0; i < the_world.count; ++i) {
    const thread& t = the_world.threads[static_cast<std::size_t>(i)];
    if (t.is == status::sleeps && t.deadline != never)
      all.add(t.deadline <= the_world.time ? passed : price::time, i);
  }
}

void go_on_with_one_of(const alternatives& all) noexcept {
  const std::size_t which = all.count > 1 ? choose(all) : 0;
  go_on_with(the_world.threads[static_cast<std::size_t>(all.threads[which])]);
}

bool let_spinners_look() noexcept {
  bool any = false;
  for (thread& t : the_world.threads) {
    if (t.is == status::spins) {
      t.is = status::runs;
      any = true;
    }
  }
  the_world.spins_in_vain += any ? 1 : 0;
  return any;
}

[[noreturn]] void nothing_goes_on(const char* what) noexcept {
  std::array<char, 900> text{};
  int used = std::snprintf(text.data(), text.size(), "%s", what);
  for (int i = 0; i < the_world.count; ++i) {
    const thread& t = the_world.threads[static_cast<std::size_t>(i)];
    if (t.is != status::over && used < static_cast<int>(text.size()))
      used += std::snprintf(text.data() + used,
                            text.size() - static_cast<std::size_t>(used),
                            "; thread %d %s at %s:%d",
                            i,
                            t.is == status::spins ? "spins" : t.sleeps_in,
                            t.where.file,
                            t.where.line);
  }
  fail(text.data());
}

// The calling thread cannot go on.
void let_others_go_on() noexcept {
  constexpr unsigned patience =
      200; // as often as a thread may look in vain before a deadline passes
  alternatives all;
  all.is_about_threads = true;
  add_runnable(all, price::nothing);
  if (current->is == status::runs)
    all.add(price::preemption, current->id); // it yields
  if (all.count == 0 && the_world.spins_in_vain < patience && let_spinners_look()) {
    add_runnable(all, price::nothing);
    if (current->is == status::runs)
      all.add(price::nothing, current->id);
  }
  if (all.count == 0) { // the time comes that comes first
    const thread* first = nullptr;
    for (const thread& t : the_world.threads) {
      if (t.is == status::sleeps && t.deadline != never &&
          (first == nullptr || t.deadline < first->deadline))
        first = &t;
    }
    if (first != nullptr) {
      all.add(price::nothing, first->id);
      the_world.spins_in_vain = 0;
    }
  }
  if (all.count == 0 && let_spinners_look()) {
    if (the_world.spins_in_vain > 2 * patience)
      nothing_goes_on("threads spin for ever");
    return let_others_go_on();
  }
  add_timed(all, price::nothing);
  if (all.count == 0)
    nothing_goes_on("all threads sleep for ever");
  go_on_with_one_of(all);
}

// Later times do not come: as long as a run may go on, reports that come at double the time would
// reach the end of what a clock can tell.
constexpr std::int64_t end_of_time = std::int64_t{24} * 3600 * 1'000'000'000;

void block_on(const void* address, const char* in, std::int64_t deadline, place where) noexcept {
  thread& me = *current;
  me.is = status::sleeps;
  me.sleeps_on = address;
  me.sleeps_in = in;
  me.where = where;
  me.deadline = deadline < end_of_time ? deadline : never;
  me.timed_out = false;
  me.asleep_since = ++the_world.sleeps;
  let_others_go_on();
}

// Those that sleep there, the first or all.
bool wake_sleepers(const void* address, bool all) noexcept {
  bool any = false;
  for (;;) {
    thread* first = nullptr;
    for (thread& t : the_world.threads) {
      if (t.is == status::sleeps && t.sleeps_on == address &&
          (first == nullptr || t.asleep_since < first->asleep_since))
        first = &t;
    }
    if (first == nullptr)
      return any;
    wake_up(*first);
    any = true;
    if (!all)
      return true;
  }
}

// The last of a thread's locals to go: until then all it does is part of the run.
struct end_of_thread {
  bool is_used = false;
  ~end_of_thread() {
    thread& me = *current;
    me.tick();
    me.is = status::over;
    wake_sleepers(&me, true);
    bool all_over = true;
    for (int i = 0; i < the_world.count; ++i)
      all_over = all_over && the_world.threads[static_cast<std::size_t>(i)].is == status::over;
    if (all_over)
      set(run_is_over);
    else
      let_others_go_on();
    current = nullptr;
  }
};
thread_local end_of_thread at_end;

void* run_thread(void* self) {
  current = static_cast<thread*>(self);
  at_end.is_used = true; // made before all other locals
  await(current->may_go);
  current->run(current->on);
  return nullptr;
}

thread& add_thread(void (*run)(void*), void* on) noexcept {
  if (the_world.count == most_threads)
    fail("the case has too many threads");
  thread& t = the_world.threads[static_cast<std::size_t>(the_world.count)];
  t = thread();
  t.id = the_world.count++;
  t.is = status::runs;
  t.run = run;
  t.on = on;
  if (current != nullptr)
    t.knows = current->knows;
  t.tick();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack_of(t.id), stack_size);
  if (pthread_create(&t.system, &attributes, run_thread, &t) != 0)
    fail("no thread can be had");
  pthread_attr_destroy(&attributes);
  return t;
}

void forget_other_run(mutex_word& mutex) noexcept {
  if (mutex.run != the_world.run)
    mutex = {the_world.run, -1, {}};
}

void (*body_of_run)() = nullptr;

} // namespace

void begin_run(void (*body)(), std::size_t processors, bool traces) {
  const std::uint32_t run = the_world.run + 1;
  the_world = world();
  the_world.run = run;
  the_world.processors = processors;
  the_world.traces = traces;
  body_of_run = body;
  begin_memory();
  thread& first = add_thread([](void*) { body_of_run(); }, nullptr);
  set(first.may_go);
}

void end_run() {
  await(run_is_over);
  for (int i = 0; i < the_world.count; ++i)
    pthread_join(the_world.threads[static_cast<std::size_t>(i)].system, nullptr);
}

void trace(const char* what, const void* address, std::uint64_t value, place where) noexcept {
  if (!the_world.traces)
    return;
  const char* file = where.file;
  for (const char* c = file; *c != 0; ++c)
    file = *c == '/' ? c + 1 : file;
  std::fprintf(stderr,
               "%*sthread %d: %s %p = %#llx  %s:%d\n",
               4 * current->id,
               "",
               current->id,
               what,
               address,
               static_cast<unsigned long long>(value),
               file,
               where.line);
}

void step(const void* address, const char* what, place where) noexcept {
  thread& me = *current;
  me.where = where;
  me.sleeps_in = what;
  if (++the_world.steps > most_steps)
    nothing_goes_on("the run does not end");
  alternatives all;
  all.is_about_threads = true;
  all.is_hidden = !is_shared(address, me.id);
  all.add(price::nothing, me.id);
  add_runnable(all, price::preemption);
  add_timed(all, price::preemption);
  if (all.count > 1)
    go_on_with_one_of(all);
  me.tick();
}

void changed(const void* address) noexcept {
  the_world.spins_in_vain = 0;
  for (thread& t : the_world.threads) {
    if (t.is != status::spins)
      continue;
    for (const void* const looked : t.looked_at) {
      if (looked == address)
        t.is = status::runs;
    }
  }
}

void spin(place where) noexcept {
  if (current == nullptr)
    return;
  thread& me = *current;
  me.saw_all_until = the_world.stores;
  if (me.looks == 0) // it has not looked since it spun last
    return;
  me.looks = 0;
  me.is = status::spins;
  me.where = where;
  let_others_go_on();
  me.looked_at.fill(nullptr);
}

void yield(place where) noexcept {
  if (current == nullptr)
    return;
  thread& me = *current;
  me.saw_all_until = the_world.stores;
  me.where = where;
  let_others_go_on();
}

std::int64_t now() noexcept {
  return the_world.time + 1'000'000'000;
}

std::size_t processors() noexcept {
  return the_world.processors;
}

// --- locks ------------------------------------------------------------------------

void lock(mutex_word& mutex, place where) noexcept {
  if (current == nullptr)
    return;
  step(&mutex, "locks a mutex", where);
  forget_other_run(mutex);
  plain_access(&mutex.owner, sizeof mutex.owner, false, __builtin_return_address(0));
  if (mutex.owner == current->id)
    fail("a thread locks a mutex that it holds");
  while (mutex.owner >= 0)
    block_on(&mutex, "locks a mutex", never, where);
  mutex.owner = current->id;
  knowledge().join(mutex.released);
  trace("locks", &mutex, 0, where);
}

bool try_lock(mutex_word& mutex, place where) noexcept {
  if (current == nullptr)
    return true;
  step(&mutex, "tries a mutex", where);
  forget_other_run(mutex);
  if (mutex.owner >= 0)
    return false;
  mutex.owner = current->id;
  knowledge().join(mutex.released);
  return true;
}

namespace {

void release(mutex_word& mutex) noexcept {
  mutex.owner = -1;
  mutex.released = current->knows;
  current->tick();
  wake_sleepers(&mutex, true);
  the_world.spins_in_vain = 0;
}

} // namespace

void unlock(mutex_word& mutex, place where) noexcept {
  if (current == nullptr)
    return;
  step(&mutex, "unlocks a mutex", where);
  forget_other_run(mutex);
  plain_access(&mutex.owner, sizeof mutex.owner, false, __builtin_return_address(0));
  if (mutex.owner != current->id)
    fail("a thread unlocks a mutex that it does not hold");
  release(mutex);
  trace("unlocks", &mutex, 0, where);
}

bool wait(const void* condition, mutex_word& mutex, std::int64_t deadline, place where) noexcept {
  step(condition, "waits for a condition", where);
  trace("waits", condition, 0, where);
  if (mutex.owner != current->id)
    fail("a thread waits without the lock");
  release(mutex);
  block_on(condition,
           "waits for a condition",
           deadline == never ? never : deadline - 1'000'000'000,
           where);
  const bool in_time = !current->timed_out;
  lock(mutex, where);
  return in_time;
}

void notify(const void* condition, bool all, place where) noexcept {
  if (current == nullptr)
    return;
  step(condition, "notifies", where);
  trace("notifies", condition, 0, where);
  plain_access(condition, 1, false, __builtin_return_address(0));
  wake_sleepers(condition, all);
}

void wait_while(const atomic_word& word,
                std::uint64_t value,
                std::int64_t deadline,
                place where) noexcept {
  step(&word, "sleeps on a word", where);
  trace("sleeps if", &word, value, where);
  current->saw_all_until = the_world.stores; // the kernel looks
  if (word.value != value)
    return;
  block_on(&word, "sleeps on a word", deadline == never ? never : deadline - 1'000'000'000, where);
}

void wake(const atomic_word& word, place where) noexcept {
  step(&word, "wakes at a word", where);
  trace("wakes", &word, 0, where);
  wake_sleepers(&word, false);
}

// --- threads ----------------------------------------------------------------------

int start_thread(void (*run)(void* on), void* on) noexcept {
  step(nullptr, "starts a thread", {});
  const int id = add_thread(run, on).id;
  current->tick();
  step(nullptr, "has started a thread", {});
  return id;
}

void join(int id) noexcept {
  thread& t = the_world.threads[static_cast<std::size_t>(id)];
  step(&t, "joins a thread", {});
  while (t.is != status::over)
    block_on(&t, "joins a thread", never, {});
  knowledge().join(t.knows);
}

} // namespace model

// --- what the standard library does by itself -----------------------------------------

// A stop_callback that goes waits for its call with a futex, in a header.
extern "C" long syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  const void* const first = va_arg(arguments, const void*);
  const long second = va_arg(arguments, long);
  const long third = va_arg(arguments, long);
  va_end(arguments);
  const int what = static_cast<int>(second) & FUTEX_CMD_MASK;
  if (number != SYS_futex || model::current == nullptr)
    return model::call_system(number, first, static_cast<int>(second), third);
  model::step(first, "sleeps in the standard library", {});
  if (what == FUTEX_WAKE || what == FUTEX_WAKE_BITSET)
    model::wake_sleepers(first, third != 1);
  else if (*static_cast<const std::uint32_t*>(first) == static_cast<std::uint32_t>(third))
    model::block_on(first, "sleeps in the standard library", model::never, {});
  return 0;
}
