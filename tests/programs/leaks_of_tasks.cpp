// SPDX-License-Identifier: BSL-1.0
// The shapes of leaks in which tasks wait for one another, for a stop, or for something outside.
// Run with the name of one.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/leak_rows.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <stop_token>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace std::chrono_literals;
using test::at_line;
using test::expect;
using test::expect_silence;
using test::expect_told;
using test::standstill_of;
using test::told_texts;
using test::verdict;
using test::watched;

namespace {

// --- S8: a select and a wait_group wait for each other
// ---------------------------------------------

void s8_each_waits_for_the_other() {
  auto work = roost::make_channel<int>(0, "work");
  roost::event done;
  roost::wait_group batch;
  const told_texts told([&] { done.set(); });
  roost::task_scope scope(watched({.name = "batch"}));
  const unsigned selects = __LINE__ + 2;
  scope.spawn("worker", [&, token = batch.enter()] {
    roost::select(roost::on_set(done, [] {}),
                  roost::on_receive(work.rx, [](const roost::receive_result<int>&) {}));
  });
  const unsigned waits = __LINE__ + 2;
  scope.spawn("waiter", [&] {
    batch.wait();
    done.set();
  });
  scope.join();
  expect_told(told,
              standstill_of("batch"),
              {"\"worker\" #",
               "in select (2 cases) at " + at_line(selects),
               "event (not set)",
               "channel on \"work\" (capacity 0, 1 sender)",
               "\"waiter\" #",
               "in wait_group::wait (count 1) at " + at_line(waits)});
}

void s8_the_token_goes_with_the_work() {
  const told_texts told;
  roost::event done;
  roost::wait_group batch;
  roost::task_scope scope(watched({}));
  scope.spawn([&, token = batch.enter()]() mutable {
    { const auto with_the_work = std::move(token); }
    done.wait();
  });
  batch.wait();
  done.set();
  scope.join();
  expect_silence(told);
}

// --- S9: a wait_group that is counted too high
// -------------------------------------------------------

void s9_one_more_is_counted_than_ends() {
  roost::wait_group batch;
  const told_texts told([&] { batch.done(); });
  roost::task_scope scope(watched({.name = "app"}));
  batch.add(3);
  for (int i = 0; i < 2; ++i)
    scope.spawn([&] { batch.done(); });
  const unsigned waits = __LINE__ + 1;
  batch.wait();
  expect_told(told,
              standstill_of("app"),
              {"owner: blocked ", "in wait_group::wait (count 1) at " + at_line(waits)});
}

void s9_tokens_cannot_be_too_many() {
  const told_texts told;
  roost::wait_group batch;
  std::atomic<int> ended{0};
  roost::task_scope scope(watched({}));
  for (int i = 0; i < 3; ++i) {
    batch.spawn(scope, [&] { ++ended; });
    batch.wait(); // inside the loop, where others wait for tasks that are yet to be spawned
  }
  expect(ended == 3, "all have run");
  expect_silence(told);
}

// --- S12: a signal that comes before the wait
// ------------------------------------------------------------

void s12_the_signal_never_comes() {
  roost::event ready;
  const told_texts told([&] { ready.set(); });
  roost::task_scope scope(watched({.name = "app"}));
  const unsigned waits = __LINE__ + 1;
  scope.spawn("consumer", [&] { ready.wait(); });
  scope.join();
  expect_told(told,
              standstill_of("app"),
              {"\"consumer\" #", "in event::wait (not set) at " + at_line(waits)});
}

void s12_an_event_stays_set() {
  const told_texts told;
  roost::event ready;
  ready.set();
  roost::task_scope scope(watched({}));
  scope.spawn([&] { ready.wait(); });
  scope.spawn([&] { ready.wait(); });
  scope.join();
  expect_silence(told);
}

// --- S13: a context that is not passed on
// ------------------------------------------------------------------

void s13_a_scope_that_is_cut_off() {
  roost::event answer;
  const told_texts told([&] { answer.set(); });
  roost::task_scope scope(watched({.name = "server"}));
  const unsigned joins = __LINE__ + 7;
  scope.spawn("handler", [&] {
    roost::task_scope query({.name = "query", .inherit = false});
    query.spawn([&] {
      test::wait_until_joining(query);
      answer.wait();
    });
    query.join();
  });
  test::wait_until_waiting(answer, 1);
  scope.request_stop();
  scope.join();
  expect_told(told,
              "STOP-IGNORED: scope \"server\" was asked to stop ",
              {" ago, and still has 1 task\n",
               "\"handler\" #",
               "in task_scope::join on \"query\" at " + at_line(joins)});
}

void asks_deep_inside(roost::event& answer, int levels) {
  if (levels == 0)
    answer.wait();
  else
    roost::with_scope({.stall_after = 1h}, [&](roost::task_scope& scope) {
      scope.spawn([&] { asks_deep_inside(answer, levels - 1); });
    });
}

void s13_a_stop_reaches_all_below() {
  const told_texts told;
  roost::event answer;
  roost::task_scope scope({.stall_after = 1h});
  scope.spawn([&] { asks_deep_inside(answer, 3); });
  test::wait_until_waiting(answer, 1);
  scope.request_stop();
  scope.join();
  expect(!answer.is_set(), "no answer came");
  expect_silence(told);
}

// --- S14: a task that ignores the stop
// -------------------------------------------------------------------

void s14_a_loop_and_a_foreign_call() {
  test::gate computed;
  test::gate read;
  const told_texts told([&] {
    computed.open();
    read.open();
  });
  roost::task_scope scope(watched({.name = "crawl"}));
  scope.spawn("computes", [&] { computed.pass(); });
  const unsigned reads = __LINE__ + 2;
  scope.spawn("reads", [&] {
    const roost::blocking_region region("read(fd 7)");
    read.pass();
  });
  computed.wait_for_arrivals(1);
  read.wait_for_arrivals(1);
  scope.request_stop();
  scope.join();
  expect_told(told,
              "STOP-IGNORED: scope \"crawl\" was asked to stop ",
              {" ago, and still has 2 tasks\n",
               "\"computes\" #",
               ": outside roost, thread ",
               "\"reads\" #",
               "in blocking_region on \"read(fd 7)\" at " + at_line(reads)});
}

void s14_a_checkpoint_in_the_loop() {
  const told_texts told;
  std::atomic<bool> begun{false};
  roost::task_scope scope({.stall_after = 1h});
  scope.spawn([&] {
    for (;;) {
      begun = true;
      roost::this_task::checkpoint();
    }
  });
  test::wait_until([&] { return begun.load(); });
  scope.request_stop();
  scope.join();
  expect_silence(told);
}

// --- S15: a pipe that nobody closes
// ---------------------------------------------------------------------------

class a_pipe {
 public:
  a_pipe() = default;
  ~a_pipe() {
    close_writer();
    ::close(ends_[0]);
  }
  a_pipe(const a_pipe&) = delete;
  a_pipe& operator=(const a_pipe&) = delete;

  void close_writer() {
    if (const int fd = writer_.exchange(-1); fd >= 0)
      ::close(fd);
  }

  /// True at the end of the file.
  bool read_to_the_end() const {
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 0;
  }

 private:
  static std::array<int, 2> opened() {
    std::array<int, 2> ends{};
    expect(::pipe(ends.data()) == 0, "a pipe is made");
    return ends;
  }

  const std::array<int, 2> ends_ = opened();
  std::atomic<int> writer_{ends_[1]};
};

void s15_a_reader_that_no_stop_reaches() {
  a_pipe peer;
  const told_texts told([&] { peer.close_writer(); });
  std::atomic<bool> begun{false};
  roost::task_scope scope(watched({.name = "proxy"}));
  const unsigned reads = __LINE__ + 2;
  scope.spawn("reader", [&] {
    const roost::blocking_region region("read(peer)");
    begun = true;
    expect(peer.read_to_the_end(), "the rescue closes it");
  });
  test::wait_until([&] { return begun.load(); });
  scope.request_stop();
  scope.join();
  expect_told(told,
              "STOP-IGNORED: scope \"proxy\" was asked to stop ",
              {"\"reader\" #", "in blocking_region on \"read(peer)\" at " + at_line(reads)});
}

void s15_a_stop_closes_the_pipe() {
  const told_texts told;
  a_pipe peer;
  std::atomic<bool> begun{false};
  roost::task_scope scope({.stall_after = 1h});
  scope.spawn([&] {
    const std::stop_callback closes(roost::this_task::stop_token(), [&] { peer.close_writer(); });
    begun = true;
    expect(peer.read_to_the_end(), "the stop closes it");
  });
  test::wait_until([&] { return begun.load(); });
  scope.request_stop();
  scope.join();
  expect_silence(told);
}

// --- S16: a loop over a ticker that nobody stops
// ----------------------------------------------------------------

void s16_the_count_notices_a_thread() {
  test::gate gate;
  const std::size_t before = test::count_threads();
  const std::jthread left([&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  expect(!test::can_count_threads() || test::count_threads() == before + 1, "it is counted");
  gate.open();
}

void s16_a_ticker_has_no_thread() {
  const told_texts told;
  const std::size_t before = test::count_threads();
  std::deque<roost::ticker> tickers;
  for (int i = 0; i < 100; ++i)
    tickers.emplace_back(1ms);
  expect(test::count_threads() <= before, "no thread for any of them");
  {
    roost::task_scope scope({.exit = roost::on_exit::stop, .stall_after = 1h});
    scope.spawn([&] {
      for (;;)
        tickers.front().wait();
    });
    tickers.back().wait();
  } // ends the loop
  expect_silence(told);
}

// --- S17: spawning without bound
// ---------------------------------------------------------------------------------

void s17_the_spawner_and_its_tasks_wait_for_each_other() {
  roost::event all_spawned;
  const told_texts told([&] { all_spawned.set(); });
  roost::task_scope scope(watched({.name = "pool", .limit = 2, .backlog = 1}));
  const unsigned spawns = __LINE__ + 3;
  const unsigned waits = __LINE__ + 2;
  for (int i = 0; i < 4; ++i) {
    scope.spawn("worker", [&] { all_spawned.wait(); });
    if (i < 2) // both places are taken before the owner waits, or it is told that a task runs
      test::wait_until_blocked(scope, static_cast<std::size_t>(i) + 1);
  }
  all_spawned.set();
  scope.join();
  expect_told(told,
              standstill_of("pool"),
              {"2 tasks of at most 2, 1 queued",
               "owner: blocked ",
               "in task_scope::spawn on \"pool\" (limit 2, backlog 1) at " + at_line(spawns),
               "\"worker\" x2 #",
               "in event::wait (not set) at " + at_line(waits),
               ": queued"});
}

void s17_the_limit_holds_the_spawner_up() {
  const told_texts told;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  roost::task_scope scope(watched({.limit = 2, .backlog = 1}));
  for (int i = 0; i < 200; ++i) {
    scope.spawn([&] {
      const int now = ++running;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      --running;
    });
    expect(test::scope_probe::queued(scope) <= 1, "the queue stays within its limit");
  }
  scope.join();
  expect(most <= 2, "and so do those that run");
  expect_silence(told);
}

// --- S18: a join from inside the own tree
// -----------------------------------------------------------------------

void s18_it_throws_at_once() {
  const told_texts told;
  std::string task_ends_by;
  std::string inside_ends_by;
  roost::task_scope scope(watched({.name = "app"}));
  const unsigned joins = __LINE__ + 2;
  scope.spawn([&] {
    task_ends_by = test::thrown_by([&] { scope.join(); });
    roost::with_scope([&](roost::task_scope& inside) {
      inside.spawn([&] { inside_ends_by = test::thrown_by([&] { scope.join(); }); });
    });
  });
  scope.join();
  for (const std::string& thrown : {task_ends_by, inside_ends_by}) {
    expect(thrown.find("a task cannot wait for the scope that it is in") != std::string::npos &&
               thrown.find("scope \"app\"") != std::string::npos,
           thrown);
  }
  expect(task_ends_by.find(at_line(joins)) != std::string::npos, task_ends_by);
  expect_silence(told);
}

void s18_a_scope_of_its_own_is_joined() {
  const told_texts told;
  roost::task_scope scope(watched({}));
  scope.spawn([] {
    roost::task_scope own;
    own.spawn([] {});
    own.join();
  });
  scope.join();
  expect_silence(told);
}

constexpr test::leak_row rows[] = {
    {"S8", s8_each_waits_for_the_other, s8_the_token_goes_with_the_work, verdict::deadlock},
    {"S9", s9_one_more_is_counted_than_ends, s9_tokens_cannot_be_too_many, verdict::deadlock},
    {"S12", s12_the_signal_never_comes, s12_an_event_stays_set, verdict::deadlock},
    {"S13", s13_a_scope_that_is_cut_off, s13_a_stop_reaches_all_below},
    {"S14", s14_a_loop_and_a_foreign_call, s14_a_checkpoint_in_the_loop},
    {"S15", s15_a_reader_that_no_stop_reaches, s15_a_stop_closes_the_pipe},
    {"S16", s16_the_count_notices_a_thread, s16_a_ticker_has_no_thread},
    {"S17",
     s17_the_spawner_and_its_tasks_wait_for_each_other,
     s17_the_limit_holds_the_spawner_up,
     verdict::deadlock},
    {"S18", s18_it_throws_at_once, s18_a_scope_of_its_own_is_joined},
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  return test::run_leak_row(rows, argc, argv);
}
