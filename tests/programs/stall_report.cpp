// SPDX-License-Identifier: BSL-1.0
// What a join, or a spawn that waits, tells the report sink of tasks that let it wait. Run with
// "options"; with "environment" while ROOST_STALL_MS=20, where any wait of an owner tells; and with
// "no_number" while it is no number.
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/descriptors.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/told_texts.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::expect;
using test::told_texts;

namespace {

const std::string file_name = std::string_view(__FILE__).ends_with("stall_report.cpp")
                                  ? std::string("[^ ]*stall_report\\.cpp:")
                                  : "wrong";

std::string at_line(unsigned line) {
  return file_name + std::to_string(line);
}

const std::string a_time = "([0-9]+ ms|[0-9]+\\.[0-9] s|[0-9]+ min [0-9]+ s)";

/// The text is to consist of these lines, each a regex.
void expect_text(const std::string& text,
                 const std::vector<std::string>& lines,
                 roost::site where = roost::site::current()) {
  std::string all;
  for (const std::string& line : lines)
    all += line + "\n";
  expect(std::regex_match(text, std::regex(all)), text + "  is to match\n" + all, where);
}

std::string scope_line(const std::string& words) {
  return "  scope " + words;
}

/// How many milliseconds are told to have passed since the stop; none where it is told in seconds,
/// which are rounded.
std::optional<int> since_stop(const std::string& text) {
  std::smatch found;
  const std::regex ago("was asked to stop ([0-9]+) ms ago");
  return std::regex_search(text, found, ago) ? std::optional(std::stoi(found[1])) : std::nullopt;
}

void expect_not_before(std::chrono::milliseconds time,
                       const std::string& text,
                       roost::site where = roost::site::current()) {
  expect(since_stop(text).value_or(1000) >= time.count(), "not before its time: " + text, where);
}

void expect_at_doubled_times(const std::vector<std::string>& texts,
                             roost::site where = roost::site::current()) {
  for (std::size_t i = 1; i < texts.size(); ++i) {
    const auto now = since_stop(texts[i]);
    const auto before = since_stop(texts[i - 1]);
    expect(!now || !before || *now >= 2 * *before - 3,
           texts[i] + "  is to come at twice the time at least",
           where);
  }
}

void a_task_that_ignores_the_stop() {
  const told_texts told;
  std::atomic<bool> runs{false};
  unsigned line = 0;
  {
    roost::task_scope scope({.name = "crawl", .stall_after = 20ms});
    line = __LINE__ + 1;
    scope.spawn("deaf", [&] {
      runs = true;
      told.wait_for(4);
    });
    test::wait_until([&] { return runs.load(); });
    scope.request_stop();
  } // the destructor tells
  auto texts = told.all();
  expect(texts.size() >= 4, "four texts"); // or more, where the task is late to end
  texts.resize(4);
  for (const std::string& text : texts) {
    expect_text(
        text,
        {"roost: STOP-IGNORED: scope \"crawl\" was asked to stop " + a_time +
             " ago, and still has 1 task",
         scope_line("\"crawl\" #[0-9]+, made at " + at_line(line - 2) + ", age " + a_time +
                    ", 1 task; stopped " + a_time + " ago \\(requested\\) at " + at_line(line + 5)),
         "    owner: blocked " + a_time + " in task_scope::~task_scope on \"crawl\" at " +
             at_line(line - 2),
         "    \"deaf\" #[0-9]+, spawned at " + at_line(line) + ", age " + a_time +
             ": outside roost, thread [0-9]+.*"});
  }
  expect_not_before(20ms, texts[0]);
  expect_at_doubled_times(texts);
}

void tasks_that_are_blocked() {
  const told_texts told;
  roost::event done;
  auto jobs = roost::make_channel<int>(0, "jobs");
  unsigned waits = 0;
  unsigned receives = 0;
  roost::task_scope scope({.stall_after = 10ms});
  scope.spawn([&] {
    const roost::shield s(1h);
    waits = __LINE__ + 1;
    done.wait();
  });
  scope.spawn("consumer", [&] {
    const roost::shield s(1h);
    receives = __LINE__ + 1;
    (void)jobs.rx.receive();
  });
  scope.spawn("releases them", [&] {
    told.wait_for(1);
    (void)jobs.tx.try_send(1);
    done.set();
  });
  // Or the stop drops one.
  test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 3; });
  scope.spawn("has ended", [] {}).get();
  test::wait_until([&] { return scope.report().scopes.front().running == 3; });
  test::wait_until_blocked(scope, 2);
  scope.request_stop();
  expect(scope.wait_for(1h), "wait_for tells, too, and goes on waiting");
  const std::string text = told.all().at(0);
  const auto has = [&](const std::string& words) {
    expect(std::regex_search(text, std::regex(words)), text + "  is to have " + words);
  };
  has("STOP-IGNORED: scope \\(unnamed\\) was asked to stop " + a_time +
      " ago, and still has 3 tasks");
  has("\\(unnamed\\) #[0-9]+, .* in event::wait \\(not set\\) at " + at_line(waits) + "\n");
  has("\"consumer\" #[0-9]+, .* in receiver::receive on \"jobs\" \\(capacity 0, 1 sender\\) at " +
      at_line(receives) + "\n");
  has("\"releases them\" #[0-9]+, .*: outside roost, thread");
  expect(text.find("has ended") == std::string::npos, "a task that has ended is not told of");
}

void a_task_with_a_scope_of_its_own() {
  const told_texts told;
  unsigned joins = 0;
  unsigned spawned = 0;
  roost::task_scope outer({.name = "outer", .stall_after = 10ms});
  outer.spawn("manager", [&] {
    roost::task_scope inner({.name = "inner", .stall_after = 1h});
    spawned = __LINE__ + 1;
    inner.spawn("worker", [&] {
      outer.request_stop();
      told.wait_for(1);
    });
    test::wait_until([&] { return inner.stop_requested(); }); // or the stop wakes the join
    joins = __LINE__ + 1;
    inner.join();
  });
  test::wait_until([&] {
    const auto call = test::scope_probe::first_task_call(outer);
    return std::string_view(call.operation) == "task_scope::join";
  });
  outer.join();
  const std::string text = told.all().at(0);
  expect(std::regex_search(
             text,
             std::regex("    \"manager\" .*: blocked " + a_time +
                        " in task_scope::join on \"inner\" at " + at_line(joins) +
                        "\n      scope \"inner\" .*\n        \"worker\" #[0-9]+, spawned at " +
                        at_line(spawned) + ", .*: outside roost")),
         text + "  is to look through the scope inside");
}

void a_join_without_a_stop_tells_nothing() {
  const told_texts told;
  roost::event never;
  {
    roost::task_scope scope({.stall_after = 1ms});
    scope.spawn([&] { (void)never.wait_for(50ms); });
  }
  expect(told.all().empty(), "nothing is told where nobody was asked to stop");
}

void a_patience_that_is_not_over_tells_nothing() {
  const told_texts told;
  const roost::scope_options patient[] = {{.stall_after = 1h},
                                          {.stall_after = roost::clock::duration::max()},
                                          {.stall_after = std::chrono::hours::max()}};
  for (const roost::scope_options& options : patient) {
    roost::event asked;
    roost::event never;
    roost::task_scope scope(options);
    scope.spawn([&] {
      const roost::shield s(1h);
      asked.wait();
      (void)never.wait_for(30ms);
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
    asked.set();
  }
  expect(told.all().empty(), "nothing is told before its time");
}

// All that may run wait for what only the one in the queue would do.
void a_queue_that_stands() {
  const told_texts told;
  roost::event done;
  unsigned waits = 0;
  const auto start = roost::clock::now();
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
  const roost::outside_waker waker(scope); // or it is idle until a stop, as far as roost knows
  const std::jthread rescue([&] {
    told.wait_for(2);
    done.set();
  });
  scope.join();
  expect(!scope.stop_requested(), "without any stop");
  expect(roost::clock::now() - start >= 40ms, "at 20 ms, and again at twice the time");
  const auto texts = told.all();
  for (const std::size_t i : {0U, 1U}) {
    expect_text(
        texts.at(i),
        {"roost: STALLED: scope \"pool\" has 2 tasks, of which none runs; 1 more is queued",
         scope_line("\"pool\" .*, 2 tasks of at most 2, 1 queued"),
         "    owner: blocked " + a_time + " in task_scope::join on \"pool\" at .*",
         "    \"worker\" x2 #[0-9]+ #[0-9]+, spawned at " + at_line(spawned) + ", age " + a_time +
             ": blocked " + a_time + " in event::wait \\(not set\\) at " + at_line(waits),
         "    \"sets it\" #[0-9]+, spawned at " + at_line(last) + ": queued",
         "  hint: scope \"pool\" runs at most 2 tasks at once, so 1 is queued: if those that run "
         "wait for it, raise .limit"});
  }
}

void a_spawn_that_waits_at_a_full_queue() {
  const told_texts told;
  roost::event done;
  roost::task_scope scope({.limit = 1, .backlog = 1, .stall_after = 20ms});
  scope.spawn("first", [&] { done.wait(); });
  scope.spawn("second", [] {});
  test::wait_until_blocked(scope, 1);
  const std::jthread rescue([&] {
    told.wait_for(1);
    done.set();
  });
  const unsigned spawns = __LINE__ + 1;
  scope.spawn("third", [] {});
  const std::string text = told.all().at(0);
  expect(std::regex_search(text,
                           std::regex("owner: blocked " + a_time + " in task_scope::spawn .*at " +
                                      at_line(spawns) + "\n")),
         text + "  is to tell which spawn waits");
  expect(text.find("\"second\"") != std::string::npos, "and for what");
  scope.join();
}

void compute_for(std::chrono::milliseconds time) {
  const auto end = roost::clock::now() + time;
  test::wait_until([&] { return roost::clock::now() > end; });
}

void a_queue_behind_a_task_that_computes_tells_nothing() {
  const told_texts told;
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
  expect(told.all().empty(), "nothing is told while one of them computes");
}

void a_queue_behind_a_task_whose_own_tasks_compute_tells_nothing() {
  const told_texts told;
  roost::task_scope scope({.limit = 2, .stall_after = 5ms});
  scope.spawn([] {
    roost::task_scope inner;
    inner.spawn([] { compute_for(60ms); });
  });
  scope.spawn([] { roost::this_task::sleep_for(60ms); }); // wakes by itself
  scope.spawn([] {});
  scope.join();
  expect(told.all().empty(), "nothing is told while something goes on");
}

void a_queue_that_moves_tells_nothing() {
  const told_texts told;
  roost::event never;
  roost::task_scope scope({.limit = 1, .stall_after = 400ms});
  for (int i = 0; i < 12; ++i)
    scope.spawn([&] { (void)never.wait_for(50ms); });
  scope.join();
  expect(told.all().empty(), "nothing is told while one after the other begins");
}

void blocked_tasks_without_a_queue_tell_nothing() {
  const told_texts told;
  roost::event never;
  roost::task_scope scope({.limit = 2, .stall_after = 1ms});
  for (int i = 0; i < 2; ++i)
    scope.spawn([&] { (void)never.wait_for(50ms); });
  scope.join();
  expect(told.all().empty(), "nothing is told where nothing is queued");
}

void the_default_sink_prints_to_stderr() {
  std::FILE* const file = std::tmpfile();
  const int before = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  const auto printed = [&] {
    std::array<char, 4096> text{};
    const ssize_t count = pread(fileno(file), text.data(), text.size(), 0);
    return std::string(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  };
  {
    roost::task_scope scope({.name = "crawl", .stall_after = 5ms});
    scope.spawn("deaf", [&] {
      test::wait_until([&] { return printed().find("\"deaf\"") != std::string::npos; });
    });
    test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
    scope.request_stop();
  }
  const std::string text = printed();
  dup2(before, STDERR_FILENO);
  close(before);
  std::fclose(file);
  expect(text.starts_with("roost: STOP-IGNORED: scope \"crawl\""), text);
}

void joins_without_a_stop_and_then_with_one() {
  const std::string running = "roost: RUNNING: scope \"hangs\" has 1 task, of which 1 is outside "
                              "roost: in code that computes, or in a call that roost does not "
                              "know\n";
  const std::string ignored = "roost: STOP-IGNORED: scope \"hangs\" was asked to stop ";
  const auto count = [](const std::vector<std::string>& texts, const std::string& begin) {
    return std::ranges::count_if(texts, [&](const auto& text) { return text.starts_with(begin); });
  };
  const told_texts told;
  {
    roost::task_scope scope({.name = "hangs", .stall_after = 1h}); // overridden
    scope.spawn("deaf", [&] {
      told.wait_for(2);
      scope.request_stop();
      test::wait_until([&] { return count(told.all(), ignored) >= 3; });
    });
    test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
  }
  auto texts = told.all();
  const auto before = count(texts, running);
  expect(before >= 2, "it is told before the stop, " + texts[0]);
  texts.erase(texts.begin(), texts.begin() + before);
  expect(count(texts, ignored) == std::ssize(texts), "and after it, " + texts[0]);
  expect_at_doubled_times(texts);
  expect_not_before(20ms, texts[0]); // the patience starts anew
}

/// The first text while the owner is in `wait`, which ends when `rescue` was called.
template <class Wait, class Rescue>
std::string told_while(const roost::task_scope& scope, const Wait& wait, const Rescue& rescue) {
  const told_texts told;
  const roost::outside_waker waker(scope); // or it is idle until a stop, as far as roost knows
  const std::jthread later([&] {
    told.wait_for(1);
    rescue();
  });
  wait();
  return told.all().at(0);
}

// The classic fan-in mistake, and its like: all of the owner's waits tell, not its joins alone.
void any_wait_of_an_owner() {
  auto results = roost::make_channel<int>(0, "results");
  roost::event done;
  const std::string hangs = "roost: STALLED: scope \"fan-in\" has no task, and its owner waits\n";
  {
    roost::task_scope scope({.name = "fan-in"});
    const std::string text = told_while(
        scope,
        [&] {
          for (int i : results.rx)
            (void)i;
        },
        [&] { results.tx.close(); });
    expect(text.starts_with(hangs), text);
    expect(text.find("in receiver::receive on \"results\" (capacity 0, 1 sender)") !=
               std::string::npos,
           text);
  }
  {
    roost::task_scope scope({.name = "app"});
    auto handle = scope.spawn("worker", [&] { done.wait(); });
    test::wait_until_blocked(scope, 1);
    const std::string text = told_while(
        scope, [&] { handle.get(); }, [&] { done.set(); });
    expect(text.starts_with("roost: STALLED: scope \"app\" has 1 task, of which none runs\n"),
           text);
    expect(text.find("owner: blocked") != std::string::npos, text);
    expect(text.find("in task_handle::get on \"worker\"") != std::string::npos, text);
  }
  {
    roost::task_scope scope({.name = "fan-in"});
    roost::event set;
    const roost::shield s(1h); // a layer between the wait and the scope
    const std::string text = told_while(
        scope, [&] { roost::select(roost::on_set(set, [] {})); }, [&] { set.set(); });
    expect(text.starts_with(hangs), text);
  }
  {
    const test::two_ends ends = test::a_pipe();
    roost::task_scope scope({.name = "fan-in"});
    const std::string text = told_while(
        scope, [&] { roost::wait_readable(ends.near); }, [&] { ends.write(); });
    expect(text.starts_with(hangs), text);
    expect(text.find("in wait_readable of fd " + std::to_string(static_cast<int>(ends.near))) !=
               std::string::npos,
           text);
  }
}

// A wait of the sink's own is not watched, or it would be told of inside, and so on.
void a_sink_whose_own_scope_takes_long() {
  static std::atomic<int> told{0};
  static roost::clock::time_point deadline;
  roost::event never;
  roost::task_scope scope({.name = "app"});
  roost::set_report_sink([](std::string_view) {
    ++told;
    roost::task_scope posts;
    posts.spawn([] { test::wait_until([] { return roost::clock::now() > deadline; }); });
    posts.join();
  });
  while (told == 0) { // once, unless this thread is late for its wait
    deadline = roost::clock::now() + 300ms;
    expect(!never.wait_until(deadline), "nobody sets it");
  }
  roost::set_report_sink(nullptr);
  expect(told == 1, "told once, and not again for the deadline that passed meanwhile");
}

// The wait goes on behind the sink's, and a stop that comes meanwhile ends it.
void a_sink_that_waits_itself() {
  static roost::task_scope* stopped_there = nullptr;
  static std::atomic<int> told{0};
  roost::event never;
  roost::task_scope scope({.name = "app"});
  stopped_there = &scope;
  roost::set_report_sink([](std::string_view) {
    if (++told != 1)
      return;
    roost::this_task::sleep_for(1ms);
    roost::task_scope of_its_own;
    of_its_own.spawn([] {});
    of_its_own.join();
    stopped_there->request_stop();
    roost::this_task::sleep_for(1ms); // is in no scope: no stop reaches it
  });
  bool is_stopped = false;
  try {
    never.wait();
  } catch (const roost::stopped&) {
    is_stopped = true;
  }
  roost::set_report_sink(nullptr);
  expect(is_stopped, "the stop ends the wait");
  expect(told == 1, "it was told once");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode == "options") {
    a_task_that_ignores_the_stop();
    tasks_that_are_blocked();
    a_task_with_a_scope_of_its_own();
    a_join_without_a_stop_tells_nothing();
    a_patience_that_is_not_over_tells_nothing();
    a_queue_that_stands();
    a_spawn_that_waits_at_a_full_queue();
    a_queue_behind_a_task_that_computes_tells_nothing();
    a_queue_behind_a_task_whose_own_tasks_compute_tells_nothing();
    a_queue_that_moves_tells_nothing();
    blocked_tasks_without_a_queue_tell_nothing();
    the_default_sink_prints_to_stderr();
  } else if (mode == "environment") {
    joins_without_a_stop_and_then_with_one();
    any_wait_of_an_owner();
    a_sink_that_waits_itself();
    a_sink_whose_own_scope_takes_long();
  } else if (mode == "no_number") {
    a_join_without_a_stop_tells_nothing();
    a_task_that_ignores_the_stop();
  } else {
    expect(false, "run with one of the modes");
  }
  return test::exit_code();
}
