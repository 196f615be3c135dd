// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace test {

/// A report made by hand, so that its text is known to the last character.
struct sample_report {
  roost::report r;

  roost::scope_report& scope(std::uint64_t id, const char* name) {
    roost::scope_report s;
    s.id = id;
    s.name = name;
    s.where = {"app.cpp", "main", 41};
    s.age = std::chrono::milliseconds(3204);
    r.scopes.push_back(s);
    return r.scopes.back();
  }
  roost::task_report& task(std::uint64_t id, std::uint64_t in, const char* name) {
    roost::task_report t;
    t.id = id;
    t.scope = in;
    t.name = name;
    t.spawned = {"app.cpp", "main", 47};
    t.age = std::chrono::seconds(3);
    t.state = roost::task_state::running;
    t.thread_id = 4243;
    r.tasks.push_back(t);
    return r.tasks.back();
  }
  /// The same task, blocked at `line` of parse.cpp.
  static roost::blocked_report& block(roost::task_report& t, std::size_t line) {
    roost::blocked_report b;
    b.operation = "sender::send";
    b.object = "rows";
    b.detail = "2/2, 1 receiver";
    b.where = {"parse.cpp", "parse", line};
    b.since = std::chrono::milliseconds(2999);
    b.waits_for.push_back({1, "channel", "rows", "2/2, 1 receiver", 0, {}});
    t.state = roost::task_state::blocked;
    return t.blocked.emplace(b);
  }
};

} // namespace test
