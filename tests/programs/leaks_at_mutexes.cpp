// SPDX-License-Identifier: BSL-1.0
// The shapes of leaks that are found where there are locks. Run with the name of one.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/leak_rows.hpp"
#include "support/probe.hpp"

#include <mutex>
#include <string>
#include <utility>

using test::at_line;
using test::expect;
using test::expect_silence;
using test::expect_told;
using test::standstill_of;
using test::told_texts;
using test::verdict;
using test::watched;

namespace {

// --- S10: a call of a channel while a lock is held -----------------------------------------------

void s10_a_send_under_a_lock_that_the_receiver_wants() {
  auto rows = roost::make_channel<int>(0, "rows");
  roost::mutex cache("cache");
  const told_texts told([&] { rows.rx.close(); });
  roost::task_scope scope(watched({.name = "load"}));
  const unsigned sends = __LINE__ + 3;
  scope.spawn("producer", [&] {
    const roost::mutex::guard held(cache);
    (void)rows.tx.send(1);
  });
  test::wait_until_blocked(scope, 1);
  const unsigned locks = __LINE__ + 2;
  scope.spawn("consumer", [&] {
    const roost::mutex::guard held(cache);
    (void)rows.rx.receive();
  });
  scope.join();
  expect_told(told,
              standstill_of("load"),
              {"\"producer\" #",
               "in sender::send on \"rows\" (capacity 0, 1 receiver) at " + at_line(sends),
               "; holds mutex \"cache\", locked at " + at_line(sends - 1),
               "\"consumer\" #",
               "in mutex::lock on \"cache\" (held by \"producer\" since " + at_line(sends - 1) +
                   ") at " + at_line(locks),
               "hint: \"producer\" waits in sender::send at " + at_line(sends) +
                   " while it holds mutex \"cache\", for which others wait: let it unlock that "
                   "first\n"});
}

void s10_no_call_under_the_lock() {
  const told_texts told;
  auto rows = roost::make_channel<int>(0, "rows");
  roost::mutex cache("cache");
  roost::task_scope scope(watched({}));
  scope.spawn([&] {
    { const roost::mutex::guard held(cache); }
    (void)rows.tx.send(1);
  });
  scope.spawn([&] {
    expect(rows.rx.receive().has_value(), "it is received");
    const roost::mutex::guard held(cache);
  });
  scope.join();
  expect_silence(told);
}

// --- S11: a lock twice, and two in two orders ---------------------------------------------------

void s11_the_call_that_closes_the_circle_throws() {
  const told_texts told;
  roost::mutex a("a");
  roost::mutex b("b");
  roost::event a_is_held;
  roost::event b_is_held;
  {
    const roost::mutex::guard held(a);
    const std::string twice = test::thrown_by([&] { a.lock(); });
    expect(twice.find("\"a\"") != std::string::npos, twice);
  }
  std::string circle;
  roost::task_scope scope(watched({.name = "bank"}));
  const unsigned first = __LINE__ + 2; // lock of what closes the circle
  scope.spawn("a to b", [&] {
    const roost::mutex::guard one(a);
    a_is_held.set();
    b_is_held.wait();
    const roost::mutex::guard two(b);
  });
  scope.spawn("b to a", [&] {
    const roost::mutex::guard one(b);
    b_is_held.set();
    a_is_held.wait();
    test::wait_until_waiting(b, 1);
    circle = test::thrown_by([&] { a.lock(); });
  });
  scope.join();
  for (const std::string& words :
       {std::string("\"a\""), std::string("\"b\""), std::string("\"a to b\""), at_line(first)})
    expect(circle.find(words) != std::string::npos, circle + "\n  is to have " + words);
  expect_silence(told);
}

void s11_all_lock_in_one_order() {
  const told_texts told;
  roost::mutex a("a");
  roost::mutex b("b");
  int transfers = 0;
  roost::task_scope scope(watched({}));
  for (int i = 0; i < 2; ++i) {
    scope.spawn([&] {
      for (int j = 0; j < 100; ++j) {
        const std::scoped_lock both(a, b); // of std: it tries, and gives back
        ++transfers;
      }
    });
  }
  scope.join();
  expect(transfers == 200, "all are done");
  expect_silence(told);
}

constexpr test::leak_row rows[] = {
    {"S10",
     s10_a_send_under_a_lock_that_the_receiver_wants,
     s10_no_call_under_the_lock,
     verdict::deadlock},
    {"S11", s11_the_call_that_closes_the_circle_throws, s11_all_lock_in_one_order},
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  return test::run_leak_row(rows, argc, argv);
}
