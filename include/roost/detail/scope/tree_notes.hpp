// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/note_list.hpp>
#include <roost/detail/base/short_text.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdint>

namespace roost::inline v0::detail {

/// The call in which a thread is blocked.
struct call_note {
  const char* operation = ""; // none: it is not blocked
  short_text<64> object;
  site where;
  clock::time_point since{};
  bool until_deadline = false;
  bool joins = false;        // it waits for the tasks of a scope
  std::uint64_t joined = 0;  // the id of that scope
  bool is_foreign = false;   // it is in a blocking_region
  bool from_outside = false; // what is no thread of the program may end it: a descriptor, a signal
  std::uint64_t runs = 0;    // the task that its thread runs meanwhile, and that it waits for
  std::uint64_t number = 0;  // tells this call of its thread from those before and after
  std::size_t first = 0;     // of what it waits for, among tree_notes::objects
  std::size_t count = 0;
  std::size_t first_held = 0; // of the mutexes that its thread holds, among tree_notes::held
  std::size_t held_count = 0;

  bool is_there() const noexcept { return *operation != '\0'; }

  /// True if it does not end by itself: only another thread of the program can end it. Whether a
  /// join has something to wait for is another question.
  bool is_endless() const noexcept {
    return is_there() && !until_deadline && !is_foreign && !from_outside;
  }
};

enum class task_phase { queued, starting, running, ending };

struct task_note {
  std::uint64_t id = 0;
  std::uint64_t scope = 0;
  noted_name name;
  site spawned;
  clock::time_point since{}; // the clock's epoch: it has not begun
  task_phase phase = task_phase::queued;
  std::uint64_t thread = 0;
  call_note call;
  site last_blocked; // no line: it has not slept, or sleeps
};

struct scope_note {
  std::uint64_t id = 0;
  std::uint64_t around = 0;  // the scope, 0 if none
  std::uint64_t made_in = 0; // the task, 0 if none
  noted_name name;
  site where;
  clock::time_point made_at{};
  stop_reason reason = stop_reason::none; // of the stop, as are the next four
  short_text<128> message;
  noted_name stopped_by;
  site stopped_where;
  clock::time_point stopped_at{};
  std::size_t running = 0;
  std::size_t begun = 0; // tasks that have begun so far, those that have ended included
  std::size_t queued = 0;
  std::size_t limit = 0;
  std::uint64_t owner_thread = 0; // 0: the scope does not cover its owner
  bool is_outermost = false;      // the first of those that share threads
  bool is_joined = false;         // a thread waits for its end
  call_note owner;
};

/// What is seen of scopes and tasks at one moment, copied: nothing here points into them.
///
/// A scope's lock is held while its notes and those below it are taken: the tasks that start or end
/// there wait as long, some 0.2 us for each task noted. So nothing is allocated meanwhile.
///
/// Order of locks: that of the roots, where it goes through them; as in a stop's first loop, a
/// domain's, its children's; then one of these: a spawn buffer's, a thread slot's, the pool's, the
/// timekeeper's mutex. Under the slot's lock a primitive is looked at only if its lock is free, as
/// other threads hold that one while they come to the lock of a domain (a task that is stopped
/// alone, for one). No thread waits for a primitive's lock while it holds one that a report waits
/// for. So a report is held up only by what waits for no thread, such as a stop's first loop, or
/// failures(), which takes memory; at worst by timekeeper::add(), which has the system start a
/// thread under that mutex.
class tree_notes {
 public:
  /// Takes notes of `root` and of all below; takes them again with more room, until there is room
  /// for all. After some rounds it makes do with less, as tasks may be spawned faster than that.
  /// Drops earlier notes.
  void take(stop_domain& root) noexcept {
    take_by([&] { root.survey(*this, 0); });
  }
  /// The same of the roots for which `wanted(root)` is true.
  template <class Wanted>
  void take_roots_if(Wanted wanted) noexcept {
    take_by([&] {
      stop_domain::for_each_root([&](stop_domain& root) {
        if (wanted(root))
          root.survey(*this, 0);
      });
    });
  }
  void take_all() noexcept {
    take_roots_if([](const stop_domain&) { return true; });
  }

  /// How many scopes and tasks there was no room for.
  std::size_t missing() const noexcept { return scopes.missing() + tasks.missing(); }

  note_list<scope_note> scopes;
  note_list<task_note> tasks; // by scope, in the order in which they have begun; queued ones last
  note_list<object_note> objects;
  note_list<held_note> held;
  note_list<std::uint64_t> threads; // the numbers of all threads of roost there, if asked for
  bool wants_threads = false;

 private:
  template <class Survey>
  void take_by(Survey survey) noexcept;
  void make_room() noexcept;
  bool is_complete() const noexcept;
};

// --- implementation ---------------------------------------------------------

template <class Survey>
void tree_notes::take_by(Survey survey) noexcept {
  constexpr int times = 5;
  for (int i = 0; i < times; ++i) {
    make_room();
    survey();
    if (is_complete())
      return;
  }
}

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void tree_notes::make_room() noexcept {
  scopes.make_room_for_all(8);
  tasks.make_room_for_all(32);
  objects.make_room_for_all(32);
  held.make_room_for_all(8);
  threads.make_room_for_all(wants_threads ? 64 : 0);
}

ROOST_COLD_BODY bool tree_notes::is_complete() const noexcept {
  return missing() == 0 && objects.missing() == 0 && held.missing() == 0 && threads.missing() == 0;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
