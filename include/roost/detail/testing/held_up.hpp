// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/snapshot.hpp>
#include <roost/detail/report/stall_text.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/testing/bubble_threads.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

// What a bubble tells by itself: a line that says what is wrong, and the report of its scope.
//
//     roost: TIME-HELD-UP: for 2.0 s of the system's time, none has passed in scope "bubble", as
//     "parse" is outside roost: in code that computes, or in a call that roost does not know; ...
//       scope "bubble" #1, made at parse_test.cpp:12, ...
//
// (the first two are one line). Where one at a time goes on, it names the one that has the turn,
// and how to run that order again.

namespace roost::inline v0::detail {

/// Tells the report sink which tasks have held the time of a bubble up for `length`. False if
/// nothing was told: there was no memory for it; or no thread waits for the time, and all wait for
/// what roost knows to be outside.
bool tell_time_is_held_up(const time_hold& hold, clock::duration length) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// The names of the tasks that hold the time up, for people.
ROOST_COLD_BODY std::string names_of_holders(const report& r, const time_hold& hold) {
  constexpr std::size_t most_names = 4;
  std::string names;
  std::size_t count = 0;
  const auto add = [&](pieces name) {
    if (count++ < most_names)
      append(names, {count > 1 ? ", " : "", joined(name)});
  };
  const auto may_hold = [&](std::uint64_t thread) {
    return !hold.is_in_turn || thread == hold.thread;
  };
  const scope_report& scope = r.scopes.front();
  if (scope.owner_thread != 0 && !scope.owner && may_hold(scope.owner_thread))
    add({"its body"});
  for (const task_report& t : r.tasks) {
    const bool runs = t.state == task_state::running || t.state == task_state::ending;
    if (!runs || !may_hold(t.thread_id))
      continue;
    if (t.name.empty())
      add({"task #", t.id});
    else
      add({in_quotes(t.name)});
  }
  if (count > most_names)
    append(names, {" and ", count - most_names, " more"});
  if (count != 0)
    names += count == 1 ? " is" : " are";
  return names;
}

/// Empty where there is nothing to tell.
ROOST_COLD_BODY std::string
held_up_headline(const report& r, const time_hold& hold, clock::duration length) {
  std::string text = joined({"TIME-HELD-UP: for ",
                             length_of(length),
                             " of the system's time, none has passed in scope ",
                             in_quotes(r.scopes.front().name),
                             ", as "});
  const std::string names = names_of_holders(r, hold);
  if (names.empty() && !hold.is_waited_for)
    return {};
  if (names.empty()) {
    text += "something from outside may wake one of its tasks: a blocking_region, a wait for a "
            "descriptor, or an outside_waker";
  } else {
    append(
        text,
        {names,
         " outside roost: in code that computes, or in a call that roost does not know; ",
         hold.is_in_turn
             ? "in explore() a task that has not come to its next call of roost keeps all others "
               "from theirs: guard what they share by a roost::mutex, not by the standard's"
             : "let it wait in a call of roost, and sleep where it waits for the clock"});
  }
  if (!hold.seed.empty()) {
    append(text,
           {"\n  run it again by replay(body, \"",
            hold.seed,
            "\"), or by ROOST_SEED=",
            hold.seed,
            "\n  its order so far: ",
            hold.path});
  }
  return text;
}

ROOST_COLD_BODY bool tell_time_is_held_up(const time_hold& hold, clock::duration length) noexcept {
  const auto text_of = [&](const report& r) {
    const std::string headline = held_up_headline(r, hold, length);
    return headline.empty() ? headline : told_text(headline, r);
  };
  return tell(*hold.root, text_of, hold.now);
}

ROOST_COLD_BODY void die_in_deadlock(stop_domain* root) noexcept {
  if (root != nullptr)
    tell_standstill(*root, standstill::was_asked_for);
  die("nothing in a bubble goes on, although its scope was stopped because of that: what waits "
      "there is behind a shield without a limit, or in a scope that does not inherit");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
