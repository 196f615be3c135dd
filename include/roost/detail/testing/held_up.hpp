// SPDX-License-Identifier: BSL-1.0
#pragma once

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
#include <string>

// What a bubble tells by itself: a line that says what is wrong, and the report of its scope.
//
//     roost: TIME-HELD-UP: no time passes in scope "bubble", as "parse" is outside roost: in code
//     that computes, or in a call that roost does not know
//       scope "bubble" #1, made at parse_test.cpp:12, ...

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::string held_up_headline(const report& r) {
  constexpr std::size_t most_names = 4;
  const scope_report& scope = r.scopes.front();
  std::string names;
  std::size_t count = 0;
  const auto add = [&](pieces name) {
    if (count++ < most_names)
      append(names, {count > 1 ? ", " : "", joined(name)});
  };
  if (scope.owner_thread != 0 && !scope.owner)
    add({"its body"});
  for (const task_report& t : r.tasks) {
    if (t.state != task_state::running && t.state != task_state::ending)
      continue;
    if (t.name.empty())
      add({"task #", t.id});
    else
      add({in_quotes(t.name)});
  }
  std::string text =
      joined({"TIME-HELD-UP: no time passes in scope ", in_quotes(scope.name), ", as "});
  if (count == 0) {
    append(text,
           {"something from outside may wake one of its tasks: a blocking_region, a wait for a "
            "descriptor, or an outside_waker"});
    return text;
  }
  if (count > most_names)
    append(names, {" and ", count - most_names, " more"});
  append(text,
         {names,
          count == 1 ? " is" : " are",
          " outside roost: in code that computes, or in a call that roost does not know"});
  return text;
}

ROOST_COLD_BODY void tell_time_is_held_up(stop_domain& root, bool in_turn) noexcept {
  tell(root, [in_turn](const report& r) {
    std::string headline = held_up_headline(r);
    if (in_turn)
      append(headline,
             {"; in explore() a task that has not come to its next call of roost keeps all others "
              "from theirs: guard what they share by a roost::mutex, not by the standard's"});
    return told_text(headline, r);
  });
}

ROOST_COLD_BODY void die_in_deadlock(stop_domain* root) noexcept {
  if (root != nullptr)
    tell_standstill(*root, standstill::was_asked_for);
  die("nothing in a bubble goes on, although its scope was stopped because of that: what waits "
      "there is behind a shield without a limit, or in a scope that does not inherit");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
