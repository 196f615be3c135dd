// SPDX-License-Identifier: BSL-1.0
// What a join, or a spawn that waits, prints of tasks that let it wait. Run with "options"; and
// with "environment" while ROOST_STALL_MS=20, and with "no_number" while it is no number.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
using test::expect;

namespace {

/// What goes to stderr while it lives.
class captured_stderr {
 public:
  captured_stderr() { dup2(fileno(file_), STDERR_FILENO); }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;
  ~captured_stderr() {
    dup2(before_, STDERR_FILENO);
    close(before_);
    std::fclose(file_);
  }

  std::vector<std::string> lines() const {
    std::string text;
    std::array<char, 4096> part{};
    for (off_t at = 0;;) {
      const ssize_t count = pread(fileno(file_), part.data(), part.size(), at);
      if (count <= 0)
        break;
      text.append(part.data(), static_cast<std::size_t>(count));
      at += count;
    }
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(line);
    return lines;
  }

  void wait_for_lines(std::size_t count) const {
    test::wait_until([&] { return lines().size() >= count; });
  }

 private:
  std::FILE* file_ = std::tmpfile();
  int before_ = dup(STDERR_FILENO);
};

const std::string file_name = std::string_view(__FILE__).ends_with("stall_report.cpp")
                                  ? std::string("[^ ]*stall_report\\.cpp:")
                                  : "wrong";

std::string at_line(unsigned line) {
  return file_name + std::to_string(line);
}

void expect_line(const std::string& line, const std::string& regex, roost::site where) {
  expect(std::regex_match(line, std::regex(regex)), line + "\n  is to match " + regex, where);
}

/// "1.234s" after `words`, in seconds.
double seconds_after(const std::string& line, const std::string& words) {
  const std::size_t at = line.find(words);
  return at == std::string::npos ? -1 : std::stod(line.substr(at + words.size()));
}

void expect_at_doubled_times(const std::vector<std::string>& lines,
                             const std::string& words,
                             roost::site where = roost::site::current()) {
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const double first = seconds_after(lines[i - 1], words);
    const double next = seconds_after(lines[i], words);
    expect(next > 2 * first - 0.003, lines[i] + "\n  is to come at twice the time at least", where);
  }
}

const std::string age = "age [0-9]+\\.[0-9]{3}s";
const std::string stopped_ago = "asked to stop [0-9]+\\.[0-9]{3}s ago";

void expect_stall(const std::string& line,
                  const std::string& scope,
                  const std::string& task,
                  unsigned spawned,
                  const std::string& state,
                  const std::string& does,
                  roost::site where = roost::site::current()) {
  expect_line(line,
              "roost: scope " + scope + " waits for task " + task + ", spawned at " +
                  at_line(spawned) + ", " + age + ", " + state + ": " + does,
              where);
}

/// The line for a task that has not begun: it has no age.
void expect_queued(const std::string& line,
                   const std::string& scope,
                   const std::string& task,
                   unsigned spawned,
                   roost::site where = roost::site::current()) {
  expect_line(line,
              "roost: scope " + scope + " waits for task " + task + ", spawned at " +
                  at_line(spawned) + ", not stopped: queued until one of those ends",
              where);
}

void a_task_that_ignores_the_stop() {
  const captured_stderr out;
  unsigned line = 0;
  {
    roost::task_scope scope({.name = "crawl", .stall_after = 20ms});
    line = __LINE__ + 1;
    scope.spawn("deaf", [&] { out.wait_for_lines(4); });
    test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
    scope.request_stop();
  } // the destructor reports
  const auto lines = out.lines();
  expect(lines.size() == 4, "four reports of one line each");
  for (const std::string& l : lines)
    expect_stall(l, "\"crawl\"", "\"deaf\"", line, stopped_ago, "running");
  expect(seconds_after(lines[0], "asked to stop ") >= 0.020, "not before its time: " + lines[0]);
  expect_at_doubled_times(lines, "asked to stop ");
}

void a_task_that_is_blocked() {
  const captured_stderr out;
  roost::event done;
  auto jobs = roost::make_channel<int>(0, "jobs");
  unsigned event_line = 0;
  unsigned channel_line = 0;
  const unsigned spawned = __LINE__ + 2;
  roost::task_scope scope({.stall_after = 10ms});
  scope.spawn([&] {
    const roost::shield s(1h);
    event_line = __LINE__ + 1;
    done.wait();
  });
  const unsigned consumer = __LINE__ + 1;
  scope.spawn("consumer", [&] {
    const roost::shield s(1h);
    channel_line = __LINE__ + 1;
    (void)jobs.rx.receive();
  });
  const unsigned releases = __LINE__ + 1;
  scope.spawn("releases them", [&] {
    out.wait_for_lines(3);
    (void)jobs.tx.try_send(1);
    done.set();
  });
  // Or the stop drops one.
  test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 3; });
  scope.spawn("has ended", [] {}).get();
  test::wait_until_blocked(scope, 2);
  scope.request_stop();
  expect(scope.wait_for(1h), "wait_for reports, too, and goes on waiting");
  auto lines = out.lines();
  expect(lines.size() >= 3 && lines.size() % 3 == 0, "a line for each that runs");
  lines.resize(3);
  std::sort(lines.begin(), lines.end());
  const std::string unnamed = "\\(unnamed\\)";
  expect_stall(lines[0],
               unnamed,
               "\"consumer\"",
               consumer,
               stopped_ago,
               "in receiver::receive of \"jobs\" at " + at_line(channel_line));
  expect_stall(lines[1], unnamed, "\"releases them\"", releases, stopped_ago, "running");
  expect_stall(
      lines[2], unnamed, unnamed, spawned, stopped_ago, "in event::wait at " + at_line(event_line));
}

void a_task_that_joins_a_scope_itself() {
  const captured_stderr out;
  unsigned joins = 0;
  unsigned spawned = 0;
  roost::task_scope outer({.name = "outer", .stall_after = 10ms});
  spawned = __LINE__ + 1;
  outer.spawn("manager", [&] {
    roost::task_scope inner({.name = "inner", .stall_after = 1h});
    inner.spawn([&] { out.wait_for_lines(1); });
    test::wait_until([&] { return test::scope_probe::started_tasks(inner) == 1; });
    outer.request_stop();
    joins = __LINE__ + 1;
    inner.join();
  });
  outer.join();
  expect_stall(out.lines().at(0),
               "\"outer\"",
               "\"manager\"",
               spawned,
               stopped_ago,
               "in task_scope::join of \"inner\" at " + at_line(joins));
}

void a_join_without_a_stop_prints_nothing() {
  const captured_stderr out;
  roost::event never;
  {
    roost::task_scope scope({.stall_after = 1ms});
    scope.spawn([&] { (void)never.wait_for(50ms); });
  }
  expect(out.lines().empty(), "nothing is printed where nobody was asked to stop");
}

void a_patience_that_is_not_over_prints_nothing() {
  const captured_stderr out;
  const roost::scope_options patient[] = {{.stall_after = 1h},
                                          {.stall_after = roost::clock::duration::max()},
                                          {.stall_after = std::chrono::hours::max()}};
  for (const roost::scope_options& options : patient) {
    roost::event never;
    roost::task_scope scope(options);
    scope.spawn([&] {
      const roost::shield s(1h);
      (void)never.wait_for(30ms);
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  expect(out.lines().empty(), "nothing is printed before its time");
}

// All that may run wait for what only the one in line would do.
void a_line_that_stands() {
  const captured_stderr out;
  roost::event done;
  unsigned waits = 0;
  roost::task_scope scope({.name = "pool", .limit = 2, .stall_after = 20ms});
  const unsigned spawned = __LINE__ + 2;
  for (int i = 0; i < 2; ++i) {
    scope.spawn("worker", [&] {
      waits = __LINE__ + 1;
      done.wait();
    });
    test::wait_until_blocked(scope, static_cast<std::size_t>(i) + 1);
  }
  const unsigned last = __LINE__ + 1;
  scope.spawn("sets it", [&] { done.set(); });
  const std::jthread rescue([&] {
    out.wait_for_lines(6);
    done.set();
  });
  scope.join();
  expect(!scope.stop_requested(), "without any stop");
  const auto lines = out.lines();
  expect(lines.size() >= 6 && lines.size() % 3 == 0, "a line for each task");
  for (const std::size_t report : {0U, 3U}) {
    for (const std::size_t worker : {0U, 1U}) {
      expect_stall(lines.at(report + worker),
                   "\"pool\"",
                   "\"worker\"",
                   spawned,
                   "not stopped",
                   "in event::wait at " + at_line(waits));
    }
    expect_queued(lines.at(report + 2), "\"pool\"", "\"sets it\"", last);
  }
  expect(seconds_after(lines.at(0), "age ") >= 0.020, "not before its time: " + lines.at(0));
  expect(seconds_after(lines.at(3), "age ") >= 0.040, "again at twice the time: " + lines.at(3));
}

void a_spawn_that_waits_at_a_full_queue() {
  const captured_stderr out;
  roost::event done;
  unsigned waits = 0;
  roost::task_scope scope({.limit = 1, .backlog = 1, .stall_after = 20ms});
  const unsigned spawned = __LINE__ + 1;
  scope.spawn("first", [&] {
    waits = __LINE__ + 1;
    done.wait();
  });
  const unsigned second = __LINE__ + 1;
  scope.spawn("second", [] {});
  test::wait_until_blocked(scope, 1);
  const std::jthread rescue([&] {
    out.wait_for_lines(2);
    done.set();
  });
  scope.spawn("third", [] {});
  const auto lines = out.lines();
  expect(lines.size() >= 2 && lines.size() % 2 == 0, "a line for each task that is in");
  expect_stall(lines.at(0),
               "\\(unnamed\\)",
               "\"first\"",
               spawned,
               "not stopped",
               "in event::wait at " + at_line(waits));
  expect_queued(lines.at(1), "\\(unnamed\\)", "\"second\"", second);
  scope.join();
}

void a_long_line_that_stands() {
  const captured_stderr out;
  roost::event done;
  roost::task_scope scope({.name = "pool", .limit = 1, .stall_after = 10ms});
  scope.spawn("worker", [&] { done.wait(); });
  const unsigned spawned = __LINE__ + 2;
  for (int i = 0; i < 7; ++i)
    scope.spawn([] {});
  const std::jthread rescue([&] {
    out.wait_for_lines(6);
    done.set();
  });
  scope.join();
  const auto lines = out.lines();
  for (std::size_t i = 1; i <= 4; ++i)
    expect_queued(lines.at(i), "\"pool\"", "\\(unnamed\\)", spawned);
  expect(lines.at(5) == "roost: and for 3 more that are queued",
         "the rest are counted: " + lines.at(5));
}

void compute_for(std::chrono::milliseconds time) {
  const auto end = roost::clock::now() + time;
  test::wait_until([&] { return roost::clock::now() > end; });
}

void a_line_behind_one_who_computes_prints_nothing() {
  const captured_stderr out;
  roost::event done;
  std::atomic<bool> all_there{false};
  roost::task_scope scope({.limit = 2, .backlog = 1, .stall_after = 5ms});
  scope.spawn([&] { done.wait(); });
  scope.spawn([&] {
    test::wait_until([&] { return all_there.load(); });
    compute_for(60ms);
    done.set();
  });
  test::wait_until_blocked(scope, 1);
  scope.spawn([] {});
  all_there = true;
  scope.spawn([&] { done.wait(); }); // waits for a place
  scope.join();
  expect(out.lines().empty(), "nothing is printed while one of them computes");
}

void a_line_behind_one_whose_own_tasks_compute_prints_nothing() {
  const captured_stderr out;
  roost::task_scope scope({.limit = 2, .stall_after = 5ms});
  scope.spawn([] {
    roost::task_scope inner;
    inner.spawn([] { compute_for(60ms); });
  });
  scope.spawn([] { roost::this_task::sleep_for(60ms); }); // wakes by itself
  scope.spawn([] {});
  scope.join();
  expect(out.lines().empty(), "nothing is printed while something goes on");
}

void a_line_that_moves_prints_nothing() {
  const captured_stderr out;
  roost::event never;
  roost::task_scope scope({.limit = 1, .stall_after = 400ms});
  for (int i = 0; i < 12; ++i)
    scope.spawn([&] { (void)never.wait_for(50ms); });
  scope.join();
  expect(out.lines().empty(), "nothing is printed while one after the other begins");
}

void those_that_are_blocked_without_a_line_print_nothing() {
  const captured_stderr out;
  roost::event never;
  roost::task_scope scope({.limit = 2, .stall_after = 1ms});
  for (int i = 0; i < 2; ++i)
    scope.spawn([&] { (void)never.wait_for(50ms); });
  scope.join();
  expect(out.lines().empty(), "nothing is printed where nobody is in line");
}

void joins_without_a_stop_and_then_with_one() {
  const captured_stderr out;
  unsigned line = 0;
  {
    roost::task_scope scope({.name = "hangs", .stall_after = 1h}); // overridden
    line = __LINE__ + 1;
    scope.spawn("deaf", [&] {
      out.wait_for_lines(2);
      scope.request_stop();
      out.wait_for_lines(5);
    });
  }
  const auto lines = out.lines();
  expect(lines.size() == 5, "five reports");
  const std::vector<std::string> before(lines.begin(), lines.begin() + 2);
  const std::vector<std::string> after(lines.begin() + 2, lines.end());
  for (const std::string& l : before)
    expect_stall(l, "\"hangs\"", "\"deaf\"", line, "not stopped", "running");
  for (const std::string& l : after)
    expect_stall(l, "\"hangs\"", "\"deaf\"", line, stopped_ago, "running");
  expect(seconds_after(before[1], "age ") - seconds_after(before[0], "age ") > 0.017,
         "once an interval");
  expect_at_doubled_times(after, "asked to stop ");
  expect(seconds_after(after[0], "asked to stop ") >= 0.020, "the patience starts anew");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode == "options") {
    a_task_that_ignores_the_stop();
    a_task_that_is_blocked();
    a_task_that_joins_a_scope_itself();
    a_join_without_a_stop_prints_nothing();
    a_patience_that_is_not_over_prints_nothing();
    a_line_that_stands();
    a_spawn_that_waits_at_a_full_queue();
    a_long_line_that_stands();
    a_line_behind_one_who_computes_prints_nothing();
    a_line_behind_one_whose_own_tasks_compute_prints_nothing();
    a_line_that_moves_prints_nothing();
    those_that_are_blocked_without_a_line_print_nothing();
  } else if (mode == "environment") {
    joins_without_a_stop_and_then_with_one();
  } else if (mode == "no_number") {
    a_join_without_a_stop_prints_nothing();
    a_task_that_ignores_the_stop();
  } else {
    expect(false, "run with one of the modes");
  }
  return test::exit_code();
}
