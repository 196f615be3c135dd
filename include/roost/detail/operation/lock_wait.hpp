// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/base/note_list.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/owned_lock.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/site.hpp>

#include <array>
#include <cstddef>
#include <mutex>
#include <string>

// Threads that wait for mutexes, and whether they wait for each other.
//
// A thread that is about to sleep for a mutex without a deadline first registers here. Then it
// looks which thread holds the mutex, what that thread waits for, and so on. If the way leads back
// to itself, none of them ever goes on, and the thread throws instead of sleeping. The last thread
// of a circle to register sees all others; so the call that closes a circle tells of it.
//
// No false circle: the lock of the registry is held while a thread looks, so all waits that it
// meets stay registered. A registered thread is inside lock(), and unlocks nothing there; so the
// mutexes that it holds it held before, and holds until its wait is no longer registered. (Code
// that runs inside its wait, such as a report sink, locks and unlocks under a higher level, and is
// not taken for the thread.) So each holder that the look meets holds its mutex during the whole
// look: all that it sees was true at one moment. A thread that was just handed its mutex may still
// be registered. Then the walk goes from it to itself, and never back to the thread that looks. A
// thread with a deadline does not register, as it will go on. A stopped thread will go on, too; so
// a circle with one in it is none. A stop that is yet to come does not count: the circle exists,
// and nothing says when the stop comes.

namespace roost::inline v0::detail {

/// The wait of the calling thread for a mutex. On its stack.
class lock_wait : public list_node<lock_wait> {
 public:
  /// Throws std::system_error with resource_deadlock_would_occur if the wait would close a circle.
  lock_wait(const owned_lock& wanted, const site& where);
  ~lock_wait();
  lock_wait(const lock_wait&) = delete;
  lock_wait& operator=(const lock_wait&) = delete;

 private:
  /// One step on the way around: a thread that waits, and the mutex it waits for.
  struct step {
    noted_name waiter_task;
    site waiter_spawned; // no line: it is no task
    site waits_at;
    noted_name lock;
    site locked_at;
  };

  // The registered waits, guarded by the lock; the innermost of a thread first. They are spread by
  // their threads' numbers, so that a look need not pass all of them.
  struct registry {
    spin_lock lock;
    std::array<intrusive_list<lock_wait>, 64> by_thread;
    std::size_t count = 0;

    intrusive_list<lock_wait>& list_of(lock_holder h) noexcept {
      return by_thread[static_cast<std::uint32_t>(h.thread()) % by_thread.size()];
    }
    void add(lock_wait& w) noexcept {
      list_of(w.waiter_).insert_after(nullptr, w);
      ++count;
    }
    void remove(lock_wait& w) noexcept {
      list_of(w.waiter_).erase(w);
      --count;
    }
  };
  // One in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static registry& all() noexcept {
    static constinit registry waits;
    return waits;
  }

  // The caller holds the lock of the registry.
  const lock_wait* next() const noexcept;
  bool is_in_circle() const noexcept;
  void note_circle(note_list<step>& steps) const noexcept;

  bool is_stopped() const noexcept {
    return innermost_ != nullptr && innermost_->domain().stop_requested();
  }
  [[noreturn]] void throw_circle(const note_list<step>& steps) const;
  static std::string task_words(const step& s);

  const owned_lock& wanted_;
  const site where_;
  const lock_holder waiter_ = this_thread.locks_as;
  const context* const innermost_ = this_thread.top;
  const task_context* const task_ = this_thread.task;
};

/// Throws for a thread that locks what it holds itself.
[[noreturn]] void throw_locks_twice(const owned_lock& l, const site& where);

/// Throws for code that locks, inside a wait of its thread, what that wait is for.
[[noreturn]] void throw_waits_further_out(const owned_lock& l, const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY lock_wait::lock_wait(const owned_lock& wanted, const site& where)
    : wanted_(wanted),
      where_(where) {
  note_list<step> steps;
  for (std::size_t room = 0;; room = steps.size() + steps.missing()) {
    if (room != 0)
      steps.make_room(room); // without the lock
    const std::lock_guard guard(all().lock);
    if (!linked())
      all().add(*this);
    if (!is_in_circle())
      return;
    note_circle(steps);
    if (room != 0) { // every step is noted, or there is no memory
      all().remove(*this);
      break;
    }
  }
  throw_circle(steps);
}

ROOST_COLD_BODY lock_wait::~lock_wait() {
  const std::lock_guard guard(all().lock);
  all().remove(*this);
}

// The wait of the thread that holds what this one waits for; null if that thread does not wait.
ROOST_COLD_BODY const lock_wait* lock_wait::next() const noexcept {
  const lock_holder holder = wanted_.holder();
  const intrusive_list<lock_wait>& waits = all().list_of(holder);
  for (const lock_wait* w = waits.front(); w != nullptr; w = waits.next(*w)) {
    if (w->waiter_.thread() == holder.thread()) // the innermost of that thread
      return holder.level() <= w->waiter_.level() ? w : nullptr;
  }
  return nullptr;
}

// The way may lead into a circle without this wait, such as that of a thread that was just handed
// its mutex. So it is followed for no more steps than there are registered waits.
ROOST_COLD_BODY bool lock_wait::is_in_circle() const noexcept {
  const lock_wait* w = this;
  for (std::size_t steps = 0; steps < all().count; ++steps) {
    if (w->is_stopped())
      return false;
    w = w->next();
    if (w == this || w == nullptr)
      return w == this;
  }
  return false;
}

ROOST_COLD_BODY void lock_wait::note_circle(note_list<step>& steps) const noexcept {
  const lock_wait* w = this;
  do {
    if (step* const s = steps.add()) {
      if (w->task_ != nullptr) {
        s->waiter_task.add(w->task_->name());
        s->waiter_spawned = w->task_->spawned();
      }
      s->waits_at = w->where_;
      s->lock = w->wanted_.name;
      s->locked_at = w->wanted_.where;
    }
    w = w->next();
  } while (w != this);
}

ROOST_COLD_BODY std::string lock_wait::task_words(const step& s) {
  if (s.waiter_spawned.line == 0)
    return "a thread without a task";
  return s.waiter_task.empty() ? joined({"the task spawned at ", s.waiter_spawned})
                               : joined({"task ", in_quotes(s.waiter_task.view())});
}

ROOST_COLD_BODY std::string words_for(const noted_name& lock) {
  return lock.empty() ? "an unnamed mutex" : joined({"mutex ", in_quotes(lock.view())});
}

ROOST_COLD_BODY void lock_wait::throw_circle(const note_list<step>& steps) const {
  std::string text = ": it would wait for ever";
  bool has_guards_of_std = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const step& s = steps[i];
    const step& holder = steps[i + 1 < steps.size() ? i + 1 : 0];
    has_guards_of_std = has_guards_of_std || is_of_the_library(s.locked_at);
    append(text, {i == 0 ? ": " : "; ", task_words(s), " waits for ", words_for(s.lock)});
    append(text, {" at ", s.waits_at, ", which ", task_words(holder), " locked at ", s.locked_at});
  }
  text += ". Lock them in the same order everywhere, or together by std::scoped_lock";
  if (has_guards_of_std)
    text += " (a mutex::guard instead of std's tells its line here)";
  throw_deadlock("roost::mutex::lock at ", where_, text);
}

ROOST_COLD_BODY void throw_locks_twice(const owned_lock& l, const site& where) {
  const bool is_around = l.holder() != this_thread.locks_as;
  throw_deadlock("roost::mutex::lock at ",
                 where,
                 joined({": it would wait for ever: ",
                         is_around ? "a task inside whose wait this one runs has locked "
                                   : "the caller itself has locked ",
                         words_for(l.name),
                         " at ",
                         l.where,
                         ". It is not recursive: call there what expects it locked"}));
}

ROOST_COLD_BODY void throw_waits_further_out(const owned_lock& l, const site& where) {
  throw_deadlock("roost::mutex::lock at ",
                 where,
                 joined({": it would wait for ever: this code, such as a report sink, runs inside "
                         "a wait of its thread for ",
                         words_for(l.name),
                         ". Lock nothing there for which the thread may wait"}));
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
