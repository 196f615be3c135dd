// SPDX-License-Identifier: BSL-1.0
// A report as text.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/sample_report.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using test::sample_report;

namespace {

std::ptrdiff_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

} // namespace

TEST_CASE("the text of a report is what an engineer reads", "[report]") {
  sample_report sample;
  roost::scope_report& s = sample.scope(1, "ingest");
  s.owner_thread = 4242;
  s.running = 2;
  s.owner.emplace();
  s.owner->operation = "task_scope::join";
  s.owner->object = "ingest";
  s.owner->where = {"app.cpp", "main", 63};
  s.owner->since = 125s;
  roost::blocked_report& b = sample_report::block(sample.task(7, 1, "parse"), 88);
  b.waits_for[0].peer = {11, "merge", {"merge.cpp", "merge", 12}};
  roost::blocked_report& waits = sample_report::block(sample.task(11, 1, "merge"), 19);
  waits.operation = "wait_group::wait";
  waits.object = "wait_group";
  waits.detail = "count 1";
  waits.waits_for = {{2, "wait_group", "", "count 1", 0, {}}};
  sample.task(12, 1, "");
  CHECK(
      to_text(sample.r) ==
      "scope \"ingest\" #1, made at app.cpp:41, age 3.2 s, 2 tasks\n"
      "  owner: blocked 2 min 5 s in task_scope::join on \"ingest\" at app.cpp:63\n"
      "  \"parse\" #7, spawned at app.cpp:47, age 3.0 s: blocked 2.9 s in sender::send on \"rows\" "
      "(2/2, 1 receiver) at parse.cpp:88; \"merge\" #11 waited last at the other end, at "
      "merge.cpp:12, and is now blocked 2.9 s in wait_group::wait (count 1) at parse.cpp:19\n"
      "  \"merge\" #11, spawned at app.cpp:47, age 3.0 s: blocked 2.9 s in wait_group::wait "
      "(count 1) at parse.cpp:19\n"
      "  (unnamed) #12, spawned at app.cpp:47, age 3.0 s: outside roost, thread 4243\n");
}

TEST_CASE("a report streams as its text, and one of nothing says so", "[report]") {
  sample_report sample;
  sample.scope(1, "ingest");
  std::ostringstream out;
  out << sample.r;
  CHECK(out.str() == to_text(sample.r));
  CHECK(to_text(roost::report()) == "no scope\n");
}

TEST_CASE("tasks that do the same share a line", "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (std::uint64_t id = 10; id < 13; ++id)
    sample_report::block(sample.task(id, 1, "store"), 30);
  sample_report::block(sample.task(13, 1, "store"), 31); // at another line
  sample.task(14, 1, "store");                           // runs
  sample_report::block(sample.task(15, 1, "other"), 30); // has another name
  sample_report::block(sample.task(16, 1, "store"), 30);
  const std::string text = to_text(sample.r);
  INFO(text);
  CHECK(lines_of(text) == 5);
  CHECK(text.find("\"store\" x4 #10 #11 #12 #16, spawned") != std::string::npos);
  CHECK(text.find("\"store\" #13, spawned") != std::string::npos);
  CHECK(text.find("\"store\" #14, spawned") != std::string::npos);
}

TEST_CASE("tasks that wait at one line, each for something of its own, share a line that says so",
          "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (std::uint64_t id = 10; id < 310; ++id) {
    roost::object_report& o = sample_report::block(sample.task(id, 1, "ask"), 30).waits_for[0];
    o.id = id;
    o.peer = {11, "ask", {"merge.cpp", "merge", 12}};
  }
  const std::string text = to_text(sample.r);
  INFO(text);
  CHECK(lines_of(text) == 2);
  CHECK(
      text.find("\"ask\" x300 #10 #11 #12 #13 #14 #15 #16 #17 ..., spawned at app.cpp:47, age 3.0 "
                "s: blocked 2.9 s in sender::send on \"rows\" (each its own; 2/2, 1 receiver) at "
                "parse.cpp:30\n") != std::string::npos);
  SECTION("their states may differ, too") {
    for (roost::task_report& t : sample.r.tasks)
      t.blocked->waits_for[0].detail = "task #" + std::to_string(1000 + t.id);
    CHECK(to_text(sample.r).find(" on \"rows\" (each its own) at") != std::string::npos);
  }
  SECTION("nothing is known of what is in use") {
    for (roost::task_report& t : sample.r.tasks)
      t.blocked->waits_for[0].id = 1;
    sample.r.tasks[4].blocked->waits_for[0] = {0, "channel", "", "", 0, {}};
    const std::string one = to_text(sample.r);
    INFO(one);
    CHECK(one.find(" on \"rows\" (2/2, 1 receiver) at parse.cpp:30; \"ask\" #11 waited last") !=
          std::string::npos);
  }
}

TEST_CASE("tasks that wait for descriptors, or at several channels, share a line as well",
          "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (const std::uint64_t id : {10U, 11U}) {
    roost::blocked_report& b = sample_report::block(sample.task(id, 1, "serve"), 30);
    b.operation = "wait_readable";
    b.object = "descriptor";
    b.detail = "fd " + std::to_string(id);
    b.waits_for = {{0, "descriptor", "", b.detail, 0, {}}};
  }
  for (const std::uint64_t id : {20U, 21U}) {
    roost::blocked_report& b = sample_report::block(sample.task(id, 1, "merge"), 31);
    b.operation = "select";
    b.object = "";
    b.detail = "3 cases";
    b.waits_for = {{1, "channel", "in", "0/2, 1 sender", 0, {}},
                   {id, "event", "", "not set", 0, {}},
                   {0, "timer", "", "", 0, {}}};
  }
  std::swap(sample.r.tasks.back().blocked->waits_for[0],
            sample.r.tasks.back().blocked->waits_for[2]); // they come in any order
  const std::string text = to_text(sample.r);
  INFO(text);
  CHECK(lines_of(text) == 3);
  CHECK(text.find("\"serve\" x2 #10 #11, spawned at app.cpp:47, age 3.0 s: blocked 2.9 s in "
                  "wait_readable of its own descriptor at parse.cpp:30\n") != std::string::npos);
  CHECK(text.find("in select (3 cases) at parse.cpp:31; channel on \"in\" (0/2, 1 sender); event "
                  "(each its own; not set); timer\n") != std::string::npos);
}

TEST_CASE("the text tells the threads of tasks and owners that are outside roost", "[report]") {
  sample_report sample;
  roost::scope_report& s = sample.scope(1, "s");
  s.owner_thread = 4242;
  for (std::uint64_t id = 10; id < 13; ++id) {
    sample.task(id, 1, "store").thread_id = 4240 + id;
    sample.r.tasks.back().thread_state = "sleeping";
  }
  CHECK(to_text(sample.r) ==
        "scope \"s\" #1, made at app.cpp:41, age 3.2 s, 0 tasks\n"
        "  owner: outside roost, thread 4242\n"
        "  \"store\" x3 #10 #11 #12, spawned at app.cpp:47, age 3.0 s: outside roost, threads 4250 "
        "4251 4252, sleeping\n");
  sample.r.scopes[0].owner_state = "sleeping";
  CHECK(to_text(sample.r).find("  owner: outside roost, thread 4242, sleeping\n") !=
        std::string::npos);
  sample.r.tasks[1].thread_state = "runnable"; // not all sleep
  for (std::uint64_t id = 13; id < 19; ++id)
    sample.task(id, 1, "store").thread_id = 4240 + id;
  CHECK(to_text(sample.r).find(
            ": outside roost, threads 4250 4251 4252 4253 4254 4255 4256 4257 ...\n") !=
        std::string::npos);
  // As the one that waited last at the other end.
  sample_report::block(sample.task(30, 1, "parse"), 88).waits_for[0].peer = {
      10, "store", {"merge.cpp", "merge", 12}};
  sample.r.tasks[0].last_blocked = {"merge.cpp", "merge", 12};
  CHECK(to_text(sample.r).find(
            "; \"store\" #10 waited last at the other end, at merge.cpp:12, and is now outside "
            "roost, thread 4250, sleeping, last blocked at merge.cpp:12\n") != std::string::npos);
}

TEST_CASE("a task with a scope of its own has a line of its own", "[report]") {
  sample_report sample;
  sample.scope(1, "outer");
  for (std::uint64_t id = 10; id < 13; ++id)
    sample.task(id, 1, "same");
  sample.scope(2, "inner").parent_task = 11;
  sample.r.scopes[1].parent_scope = 1;
  const std::string text = to_text(sample.r);
  INFO(text);
  CHECK(text.find("  \"same\" x2 #10 #12, spawned") != std::string::npos);
  CHECK(text.find("  \"same\" #11, spawned at app.cpp:47, age 3.0 s: outside roost, thread 4243\n"
                  "    scope \"inner\" #2") != std::string::npos);
}

TEST_CASE("tasks of different scopes do not share a line", "[report]") {
  sample_report sample;
  sample.scope(1, "a");
  sample.scope(2, "b");
  sample.task(10, 1, "same");
  sample.task(11, 2, "same");
  CHECK(lines_of(to_text(sample.r)) == 4);
}

TEST_CASE("the text has at most 40 lines, unless more are asked for", "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (std::size_t id = 1; id <= 39; ++id)
    sample_report::block(sample.task(100 + id, 1, "t"), id);
  CHECK(lines_of(to_text(sample.r)) == 40);
  CHECK(to_text(sample.r).find("more lines") == std::string::npos);
  sample_report::block(sample.task(200, 1, "t"), 200);
  const std::string text = to_text(sample.r);
  CHECK(lines_of(text) == 40);
  CHECK(text.substr(text.size() - 17) == "and 2 more lines\n");
  CHECK(lines_of(to_text(sample.r, roost::unlimited)) == 41);
  CHECK(lines_of(to_text(sample.r, 5)) == 5);
}

TEST_CASE("the text tells a stop, a limit, what is queued, and what was left out", "[report]") {
  sample_report sample;
  roost::scope_report& s = sample.scope(1, "s");
  s.running = 3;
  s.limit = 3;
  s.queued = 12;
  s.stop = {roost::stop_reason::deadline, "too late", "", {"app.cpp", "main", 41}, 90min};
  sample.r.left_out = 2;
  CHECK(to_text(sample.r) ==
        "scope \"s\" #1, made at app.cpp:41, age 3.2 s, 3 tasks of at most 3, 12 queued; stopped "
        "1 h 30 min ago (deadline: too late) at app.cpp:41\n"
        "and 2 for which there was no memory\n");
}

TEST_CASE("the text of a select has all cases", "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  roost::blocked_report& b = sample_report::block(sample.task(7, 1, "t"), 88);
  b.operation = "select";
  b.object = "";
  b.detail = "2 cases";
  b.until_deadline = true;
  b.waits_for.push_back({0, "timer", "", "", 0, {}});
  CHECK(to_text(sample.r).find("blocked 2.9 s in select (2 cases) at parse.cpp:88, until a "
                               "deadline; channel on \"rows\" (2/2, 1 receiver); timer\n") !=
        std::string::npos);
}

TEST_CASE("the text says which task a blocked one's thread runs", "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (const std::uint64_t id : {7U, 8U}) { // alike but for that: no group
    roost::blocked_report& b = sample_report::block(sample.task(id, 1, "t"), 88);
    b.operation = "task_scope::join";
    b.object = "s";
    b.detail = "";
    b.waits_for.clear();
    b.runs = id + 2;
  }
  sample.task(9, 1, "inner");
  const std::string text = to_text(sample.r);
  INFO(text);
  CHECK(text.find("\"t\" #7") != std::string::npos);
  CHECK(text.find("blocked 2.9 s in task_scope::join on \"s\" at parse.cpp:88; its thread runs "
                  "\"inner\" #9 meanwhile\n") != std::string::npos);
  CHECK(text.find("; its thread runs task #10 meanwhile\n") != std::string::npos);
}

TEST_CASE("names and messages of the program break no line of a report", "[report]") {
  sample_report sample;
  roost::scope_report& s = sample.scope(1, "two\nlines");
  s.stop.emplace();
  s.stop->reason = roost::stop_reason::failure;
  s.stop->message = "bad\tinput:\n\x1b[31mred\x7f";
  sample.task(7, 1, "a\rb");
  const std::string text = to_text(sample.r);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find("scope \"two lines\" #1") != std::string::npos);
  CHECK(text.find("(failure: bad input:  [31mred ) at ") != std::string::npos);
  CHECK(text.find("\"a b\" #7") != std::string::npos);
}
