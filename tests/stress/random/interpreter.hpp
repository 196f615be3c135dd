// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "stress/random/failures.hpp"
#include "stress/random/observations.hpp"
#include "stress/random/operations.hpp"
#include "stress/random/program.hpp"
#include "stress/random/selects.hpp"
#include "stress/random/world.hpp"
#include "support/at_exit.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// Runs the nodes of a program on roost. What a structure does with its children is below, one
// function each; operations are in operations.hpp and selects.hpp.

namespace test::random {

void run(const node& n, frame& f);

// --- scopes and their tasks -------------------------------------------------------------

inline int run_task(const node& n, world& in, roost::task_scope& scope, scope_fate& fate) {
  fate.begun.add();
  const running_in place(fate);
  frame f(in, &scope, &fate, role::task);
  as_task_of(fate, f.seen, [&] { run(n, f); });
  return n.number;
}

inline roost::task_handle<int>
spawn_task(const node& n, frame& f, roost::wait_group* counted = nullptr) {
  auto task = [&n, &in = f.in, scope = f.scope, fate = f.fate, life = sign_of_life(f.seen)] {
    return run_task(n, in, *scope, *fate);
  };
  f.fate->spawned.add(); // before: it may begin at once
  try {
    if (counted != nullptr)
      return counted->spawn(*f.scope, std::move(task));
    if (n.variant % 2 == 0)
      return f.scope->spawn("named", std::move(task));
    return f.scope->spawn(std::move(task));
  } catch (...) {
    f.fate->spawned.add(-1);
    throw;
  }
}

/// A get() of the task of this number. It may run the task here, in the caller's place.
inline void get(int number, frame& f, roost::task_handle<int>& handle) {
  const bool has_place = f.is == role::task;
  if (has_place)
    f.fate->running.add(-1);
  const at_exit back([&] {
    if (has_place)
      f.fate->most.raise_to(f.fate->running.add_and_get(1));
  });
  try {
    if (handle.get() != number)
      f.seen.wrong_results.add();
  } catch (...) {
    note_told(std::current_exception(), &failure_fate::shown, f.fate);
    throw;
  }
}

/// Does with the handle of the task of this number what a node says. A part gets no results: it
/// would run tasks beyond the limit, as scope_options::limit tells.
inline void use_handle(const node& how, int number, frame& f, roost::task_handle<int>& handle) {
  switch (how.handle) {
  case handling::dropped:
    return;
  case handling::waited_for:
    return (void)handle.wait_for(how.time);
  case handling::stopped_and_got:
    if (handle.request_stop("by its handle"))
      f.fate->stopped_alone.add();
    [[fallthrough]];
  case handling::got:
    if (f.is != role::part)
      get(number, f, handle);
  }
}

/// A task of the scope around.
inline void run_spawn(const node& n, frame& f) {
  if (n.variant % 5 == 0 && !f.scope->try_spawn([] {}))
    return;
  const node& task = n.children.front();
  auto handle = spawn_task(
      task, f, n.variant % 3 == 0 ? &f.in.groups.at(static_cast<std::size_t>(n.object)) : nullptr);
  use_handle(n, task.number, f, handle);
}

/// The block of a scope: its tasks, its body, and how it is left.
inline void run_block(const node& n, frame& outer, roost::task_scope& scope, scope_fate& fate) {
  frame f(outer.in, &scope, &fate, role::owner);
  std::vector<roost::task_handle<int>> handles;
  handles.reserve(n.children.size());
  for (std::size_t i = 1; i < n.children.size(); ++i)
    handles.push_back(spawn_task(n.children[i], f));
  run(n.children.front(), f);
  if (n.number == 0)
    f.in.let_go();
  for (std::size_t i = 1; i < n.children.size(); ++i)
    use_handle(n.children[i], n.children[i].number, f, handles[i - 1]);
  switch (n.rules.end) {
  case leaving::by_join:
    if (n.what != kind::with_scope)
      scope.join();
    break;
  case leaving::after_wait_for:
    (void)scope.wait_for(n.time);
    break;
  case leaving::by_stop:
    scope.request_stop("the block's");
    break;
  case leaving::by_exception:
    throw planned(&f.seen, -1);
  case leaving::by_end:
    break;
  }
  if (n.rules.looks_at_failures) {
    for (const roost::failure& failed : scope.failures())
      note_told(failed.error, &failure_fate::shown, &fate);
  }
}

inline roost::scope_options options_of(const node& n, const scope_fate& fate) {
  const policy& p = n.rules;
  roost::scope_options options{.name = kind_names.at(static_cast<std::size_t>(n.what)),
                               .limit = p.limit,
                               .backlog = p.backlog,
                               .exit = p.exit,
                               .errors = p.errors,
                               .inherit = p.inherit,
                               .covers_owner = p.covers_owner,
                               .stall_after = p.stall_after,
                               .on_deadlock = p.on_deadlock};
  if (p.timeout.count() != 0)
    options.timeout = p.timeout;
  if (p.has_handler) {
    options.on_failure = [&fate, throws = p.handler_throws](const roost::failure& f) {
      if (throws)
        throw std::runtime_error("the handler's");
      note_told(f.error, &failure_fate::handled, &fate);
    };
  }
  if (p.names_threads)
    options.thread_started = [](std::string_view) { std::this_thread::yield(); };
  return options;
}

inline void run_scope(const node& n, frame& outer) {
  with_fate(n, outer, n.rules.limit, [&](scope_fate& fate) {
    const roost::scope_options options = options_of(n, fate);
    roost::detail::counted_ptr<const roost::detail::stop_domain> domain;
    const at_exit note([&] { fate.is_cut = domain != nullptr && domain->stop_requested(); });
    const auto block = [&](roost::task_scope& scope) {
      domain = scope_probe::domain(scope);
      fate.is_left_by_exception = true; // unless it comes to its end
      run_block(n, outer, scope, fate);
      fate.is_left_by_exception = false;
    };
    if (n.what == kind::with_scope) {
      roost::with_scope(options, [&](roost::task_scope& scope) {
        as_body_of(fate, outer.seen, [&] { block(scope); });
      });
    } else if (n.what == kind::background) {
      roost::background_scope scope(options);
      block(scope);
    } else {
      roost::task_scope scope(options);
      block(scope);
    }
  });
}

// --- tasks that their caller waits for at once ---------------------------------------------

/// One callable of when_all or when_any, or one element.
inline int run_part(const node& n, frame& outer, scope_fate& fate) {
  fate.begun.add();
  const running_in place(fate);
  frame f(outer.in, outer.scope, outer.fate, role::part);
  as_task_of(fate, f.seen, [&] { run(n, f); });
  return n.number;
}

inline void run_parts(const node& n, frame& outer) {
  with_fate(n, outer, roost::unlimited, [&](scope_fate& fate) {
    fate.is_cut = true; // unless it comes to its end
    const auto part = [&](const node& child) {
      return [&child, &outer, &fate, life = sign_of_life(outer.seen)] {
        return run_part(child, outer, fate);
      };
    };
    std::vector<decltype(part(n))> parts;
    for (const node& child : n.children)
      parts.push_back(part(child));
    fate.spawned.add(static_cast<int>(parts.size()));
    if (n.what == kind::any) {
      const auto [index, result] = roost::when_any(parts);
      fate.drops_failures = true;
      if (result != n.children[index].number)
        outer.seen.wrong_results.add();
      return;
    }
    bool right = true;
    if (parts.size() == 2) {
      const auto [first, second] = roost::when_all(parts[0], parts[1]);
      right = first == n.children[0].number && second == n.children[1].number;
    } else {
      const std::vector<int> results = roost::when_all(parts);
      for (std::size_t i = 0; i < results.size(); ++i)
        right = right && results[i] == n.children[i].number;
    }
    if (!right)
      outer.seen.wrong_results.add();
    fate.is_cut = false;
  });
}

inline void run_elements(const node& n, frame& outer) {
  const std::size_t limit = 1 + static_cast<std::size_t>(n.variant % 3);
  with_fate(n, outer, limit, [&](scope_fate& fate) {
    fate.is_cut = true;
    const int elements = n.count * 2;
    fate.spawned.add(elements);
    const roost::parallel_options options{.limit = limit, .chunks = n.variant / 4 % 2 == 0};
    const auto part = [&](int i) {
      (void)run_part(n.children.front(), outer, fate);
      return i;
    };
    std::vector<int> numbers;
    for (int i = 0; i < elements; ++i)
      numbers.push_back(i);
    if (n.what == kind::transform) {
      if (roost::transform(numbers, part, options) != numbers)
        outer.seen.wrong_results.add();
    } else if (n.variant / 8 % 2 == 0) {
      roost::for_each(numbers, part, options);
    } else {
      auto [tx, rx] = roost::make_channel<int>(roost::unbounded);
      (void)tx.send_all(numbers);
      tx.close();
      roost::for_each(rx, part, options);
    }
    fate.is_cut = false;
  });
}

/// A task sends items through a channel that both ends close by going. The owner leaves its loop
/// before or after the last.
inline void run_pipeline(const node& n, frame& outer) {
  with_fate(n, outer, roost::unlimited, [&](scope_fate& fate) {
    fate.is_cut = true;
    fate.is_left_by_exception = true; // unless it comes to its end
    roost::task_scope scope;
    frame f(outer.in, &scope, &fate, role::owner);
    auto [tx, rx] = roost::make_channel<item>(static_cast<std::size_t>(n.variant % 3));
    fate.spawned.add();
    scope.spawn([&in = f.in,
                 &scope,
                 &fate,
                 items = n.count * 2,
                 out = std::move(tx),
                 life = sign_of_life(f.seen)] {
      fate.begun.add();
      const running_in place(fate);
      frame mine(in, &scope, &fate, role::task);
      as_task_of(fate, mine.seen, [&] {
        bool is_open = true;
        for (int i = 0; i < items && is_open; ++i)
          send_one(mine, -1, [&](item& next) { return is_open = bool(out.send(std::move(next))); });
      });
    });
    const roost::receiver<item> in = std::move(rx); // goes before the scope
    int left = n.variant % 8;
    switch (n.variant / 8 % 3) {
    case 0:
      for (item& i : in) {
        f.received(-1, std::move(i));
        if (--left == 0)
          break;
      }
      break;
    case 1:
      roost::for_each(in, [](item& i) { i.receive(); }, {.limit = 2});
      break;
    default: {
      std::vector<item> some;
      if (in.receive_some(some, 2) != 0) {
        for (item& i : some)
          f.received(-1, std::move(i));
      }
    }
    }
    run(n.children.front(), f);
    fate.is_left_by_exception = false;
  });
}

// --- what lies around a node ----------------------------------------------------------------

inline void run_holding(const node& n, frame& f) {
  const auto wanted = std::min(static_cast<std::size_t>(n.count), f.in.permits.permits());
  const auto hold = [&](const roost::semaphore::permit& permit) {
    const int held = static_cast<int>(permit.count());
    if (f.in.permits_held.add_and_get(held) > static_cast<int>(f.in.permits.permits()))
      f.seen.too_many_permits.add();
    const at_exit give_back([&] { f.in.permits_held.add(-held); });
    run(n.children.front(), f);
  };
  if (n.patient == patience::endless) {
    const auto permit = f.in.permits.acquire(wanted);
    hold(permit);
  } else if (const auto permit = n.patient == patience::limited
                                     ? f.in.permits.acquire_for(n.time, wanted)
                                     : f.in.permits.try_acquire(wanted)) {
    hold(*permit);
  }
}

inline void run_locked(const node& n, frame& f) {
  guarded_number& g = f.in.guarded.at(static_cast<std::size_t>(n.object));
  const bool is_mine = n.patient == patience::endless   ? (g.lock.lock(), true)
                       : n.patient == patience::limited ? g.lock.try_lock_for(n.time)
                                                        : g.lock.try_lock();
  if (!is_mine)
    return;
  const std::lock_guard held(g.lock, std::adopt_lock);
  if (std::exchange(g.is_inside, true))
    f.seen.not_exclusive.add();
  const at_exit leave([&] {
    ++g.value;
    g.is_inside = false;
  });
  run(n.children.front(), f);
}

inline void run(const node& n, frame& f) {
  pause(f);
  switch (n.what) {
  case kind::sequence:
    for (const node& child : n.children)
      run(child, f);
    return;
  case kind::scope:
  case kind::with_scope:
  case kind::background:
    return run_scope(n, f);
  case kind::all:
  case kind::any:
    return run_parts(n, f);
  case kind::each:
  case kind::transform:
    return run_elements(n, f);
  case kind::pipeline:
    return run_pipeline(n, f);
  case kind::shielded: {
    const roost::shield s(n.time);
    return run(n.children.front(), f);
  }
  case kind::stoppable: {
    const roost::stop_when s(f.in.source.get_token());
    return run(n.children.front(), f);
  }
  case kind::swallows:
    try {
      run(n.children.front(), f);
    } catch (...) { // whatever it is, the next step comes
      note_told(std::current_exception(), &failure_fate::caught, nullptr);
    }
    return;
  case kind::holding:
    return run_holding(n, f);
  case kind::locked:
    return run_locked(n, f);
  case kind::counted: {
    const auto token = f.in.groups.at(static_cast<std::size_t>(n.object)).enter();
    return run(n.children.front(), f);
  }
  case kind::spawn:
    return run_spawn(n, f);
  default:
    return operate(n, f);
  }
}

/// Whether other programs run at the same time: then what is the process's own is not looked at.
enum class company { alone, others };

/// Runs a program in a root scope of its own. What it throws is its own affair; what is noted is
/// judged by oracles.hpp. `around(f)` calls `f()`, which does all that the program does. The hook
/// must be note_unobserved().
template <class Around>
void run_program(const program& p, observations& seen, company with, Around around) {
  const std::size_t threads_before = with == company::alone ? count_threads() : 0;
  seen.parties = p.shared.parties;
  {
    world in(p, seen);
    frame outside(in, nullptr, nullptr, role::part);
    around([&] {
      try {
        run(p.root, outside);
      } catch (...) { // a failure, a timeout, a stop, a deadlock
      }
    });
    in.look_back();
  }
  if (with == company::others)
    return;
  const roost::counters now = roost::stats();
  seen.tasks_alive = static_cast<long>(now.live);
  seen.threads_blocked = static_cast<long>(now.blocked);
  if (!threads_back_to(threads_before))
    seen.threads_more = count_threads() - threads_before;
}

} // namespace test::random
