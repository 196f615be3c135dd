// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/testing/bubble_body.hpp>
#include <roost/detail/testing/bubble_threads.hpp>
#include <roost/detail/testing/bubble_turns.hpp>
#include <roost/detail/testing/bubble_watch.hpp>
#include <roost/detail/testing/held_up.hpp>
#include <roost/detail/testing/strategy.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/task_scope.hpp>
#include <roost/with_scope.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>

namespace roost::inline v0::detail {

/// How a bubble runs.
struct bubble_rules {
  bubble_watch& watch;
  strategy* order = nullptr; // null: all that are awake go on
  std::size_t most_steps = bubble::no_limit;
};

/// Runs `body` in a bubble; see testing.hpp.
void run_bubble(const bubble_rules& rules, const bubble_body& body, const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void
run_bubble(const bubble_rules& rules, const bubble_body& body, const site& where) {
  if (sync::is_in_bubble())
    throw_logic_error("roost::testing::bubble at ",
                      where,
                      ": it is inside a bubble, which has the one time for all that is in it; let "
                      "the test make one bubble, and the code under test scopes");
  const wait_set_aside around; // as on a thread that has just started
  auto* const made = new bubble(rules.order, rules.most_steps);
  std::exception_ptr error;
  try {
    const bubble_watched watched(rules.watch, *made);
    with_scope(
        {.name = "bubble", .stall_after = no_timeout, .on_deadlock = on_deadlock::stop},
        [&](task_scope& scope) {
          made->set_root(this_thread.root->shared_from_this());
          body(scope);
        },
        where);
  } catch (...) {
    error = std::current_exception();
  }
  const bool was_too_long = made->was_too_long();
  const bool lacked_memory = made->lacked_memory();
  const std::size_t left = made->leave();
  if (lacked_memory)
    throw std::bad_alloc();
  if (was_too_long) {
    throw std::runtime_error(
        joined({"roost: the run took more than ",
                rules.most_steps,
                " steps: in this order it may go on for ever; if it does not, raise most_steps"}));
  }
  if (error)
    std::rethrow_exception(error);
  if (left != 0)
    throw_logic_error("roost::testing::bubble at ",
                      where,
                      ": scopes or threads of it are left at its end: a scope was made in there "
                      "that lives outside; declare it in the body");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
