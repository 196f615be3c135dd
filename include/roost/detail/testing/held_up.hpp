// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/report/snapshot.hpp>
#include <roost/detail/report/stall_text.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/testing/bubble_threads.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <string>
#include <vector>

// What a bubble tells by itself: a line that says what is wrong, and the report of its scope.
//
//     roost: TIME-HELD-UP: no time passes in scope "bubble", as "parse" is outside roost: in code
//     that computes, or in a call that roost does not know
//       scope "bubble" #1, made at parse_test.cpp:12, ...

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

/// What is outside of roost, by name: the body of the first scope, and its tasks.
ROOST_COLD_BODY std::vector<std::string> names_of_running(const report& r) {
  std::vector<std::string> names;
  const scope_report& scope = r.scopes.front();
  if (scope.owner_thread != 0 && !scope.owner)
    names.emplace_back("its body");
  for (const task_report& t : r.tasks) {
    if (t.state == task_state::running || t.state == task_state::ending)
      names.push_back(t.name.empty() ? "task #" + std::to_string(t.id) : in_quotes(t.name));
  }
  return names;
}

ROOST_COLD_BODY std::string held_up_headline(const report& r) {
  constexpr std::size_t most_names = 4;
  const std::vector<std::string> names = names_of_running(r);
  std::string text =
      "TIME-HELD-UP: no time passes in scope " + in_quotes(r.scopes.front().name) + ", as ";
  if (names.empty())
    return text + "something from outside may wake one of its tasks: a blocking_region, a wait for "
                  "a descriptor, or an outside_waker";
  for (std::size_t i = 0; i < names.size() && i < most_names; ++i)
    text += (i != 0 ? ", " : "") + names[i];
  if (names.size() > most_names)
    text += " and " + std::to_string(names.size() - most_names) + " more";
  return text + (names.size() == 1 ? " is" : " are") +
         " outside roost: in code that computes, or in a call that roost does not know";
}

ROOST_COLD_BODY void tell_time_is_held_up(stop_domain& root) noexcept {
  tell(root, [](const report& r) { return told_text(held_up_headline(r), r); });
}

ROOST_COLD_BODY void die_in_deadlock(stop_domain* root) noexcept {
  if (root != nullptr)
    tell_standstill(*root, standstill::was_asked_for);
  die("nothing in a bubble goes on, although its scope was stopped because of that: what waits "
      "there is behind a shield without a limit, or in a scope that does not inherit");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
