// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "stress/random/observations.hpp"
#include "stress/random/program.hpp"
#include "stress/random/world.hpp"

#include <cstddef>
#include <exception>

// Follows failures: which scope's each is, and by whom it is told.

namespace test::random {

inline int new_failure(const scope_fate& fate, observations& seen) noexcept {
  const int number = take_place(seen.failures_made, seen.failures);
  if (number >= 0)
    seen.failures.at(static_cast<std::size_t>(number)).scope = fate.number;
  return number;
}

inline const scope_fate* scope_of(const planned& p) noexcept {
  const failure_fate* const f = p.fate();
  return f == nullptr ? nullptr : &p.seen->scopes.at(static_cast<std::size_t>(f->scope));
}

/// Notes that an exception was told, in the way that `how` stands for: all failures in it that
/// belong to `scope`, or all if that is null.
inline void
note_told(const std::exception_ptr& error, count failure_fate::*how, const scope_fate* scope) {
  try {
    std::rethrow_exception(error);
  } catch (const planned& p) {
    const scope_fate* const its = scope_of(p);
    if (its != nullptr && (scope == nullptr || scope == its))
      (p.fate()->*how).add();
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      note_told(f.error, how, scope);
  } catch (...) { // a stop, a timeout, what was refused
  }
}

/// Calls `f()` as a task of this scope: what escapes becomes a failure of its own, also if it is
/// another task's, which this one got. A stop stays one.
template <class F>
void as_task_of(const scope_fate& fate, observations& seen, F f) {
  try {
    f();
  } catch (const roost::stopped&) {
    throw;
  } catch (...) {
    note_told(std::current_exception(), &failure_fate::caught, nullptr); // if it has any in it
    throw planned(&seen, new_failure(fate, seen));
  }
}

/// The same for a body; but what a wait or a get() has thrown here for a scope that is not over,
/// this one or one around, stays that scope's.
template <class F>
void as_body_of(const scope_fate& fate, observations& seen, F f) {
  std::exception_ptr of_task;
  as_task_of(fate, seen, [&] {
    try {
      f();
    } catch (const planned& p) {
      const scope_fate* const its = scope_of(p);
      if (its == nullptr || its->is_over)
        throw;
      of_task = std::current_exception();
      if (its != &fate)
        p.fate()->passed.add();
    }
  });
  if (of_task)
    std::rethrow_exception(of_task);
}

/// The hook for what nobody was told of, while programs run.
inline void note_unobserved(const roost::failure& f) {
  note_told(f.error, &failure_fate::hooked, nullptr);
}

/// A scope, or a call that has tasks of its own, from its begin to its end: `f(fate)`. What that
/// throws was told by its end. Leaves it out where there have been too many.
template <class F>
void with_fate(const node& n, frame& outer, std::size_t limit, F f) {
  observations& seen = outer.seen;
  const int number = take_place(seen.scopes_made, seen.scopes);
  if (number < 0)
    return;
  scope_fate& fate = seen.scopes.at(static_cast<std::size_t>(number));
  fate.number = number;
  fate.node = n.number;
  fate.limit = limit == roost::unlimited ? 0 : static_cast<int>(limit);
  try {
    f(fate);
  } catch (...) {
    fate.is_over = true;
    note_told(std::current_exception(), &failure_fate::thrown_by_end, &fate);
    throw;
  }
  fate.is_over = true;
}

/// Notes that a task of the scope runs, while it does.
class running_in {
 public:
  explicit running_in(scope_fate& fate) noexcept : fate_(fate) {
    fate_.most.raise_to(fate_.running.add_and_get(1));
  }
  running_in(const running_in&) = delete;
  running_in& operator=(const running_in&) = delete;
  ~running_in() { fate_.running.add(-1); }

 private:
  scope_fate& fate_;
};

} // namespace test::random
