// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/probe.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace test {

/// The task, or scope, of that name; throws if there is not exactly one.
inline const roost::task_report& task_in(const roost::report& r, std::string_view name) {
  const auto is_it = [&](const roost::task_report& t) { return t.name == name; };
  if (std::count_if(r.tasks.begin(), r.tasks.end(), is_it) != 1)
    throw std::runtime_error("not one task " + std::string(name) + " in:\n" + to_text(r));
  return *std::find_if(r.tasks.begin(), r.tasks.end(), is_it);
}
inline const roost::scope_report& scope_in(const roost::report& r, std::string_view name) {
  const auto is_it = [&](const roost::scope_report& s) { return s.name == name; };
  if (std::count_if(r.scopes.begin(), r.scopes.end(), is_it) != 1)
    throw std::runtime_error("not one scope " + std::string(name) + " in:\n" + to_text(r));
  return *std::find_if(r.scopes.begin(), r.scopes.end(), is_it);
}

/// The call in which the task of that name is blocked; throws if it is not.
inline const roost::blocked_report& call_in(const roost::report& r, std::string_view name) {
  const roost::task_report& t = task_in(r, name);
  if (!t.blocked)
    throw std::runtime_error(std::string(name) + " is not blocked in:\n" + to_text(r));
  return *t.blocked;
}

/// Waits until the task of that name sleeps: then it has left a note where it waits.
inline void wait_until_asleep(const roost::task_scope& scope, std::string_view name) {
  wait_until([&] {
    const roost::task_report t = task_in(scope.report(), name);
    return t.blocked && t.blocked->since != roost::clock::duration::zero();
  });
}

} // namespace test
