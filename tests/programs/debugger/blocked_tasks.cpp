// SPDX-License-Identifier: BSL-1.0
// Tasks in all states that .gdb/roost.py tells of, for debugger_test.sh, which finds the lines by
// the words behind "line:".
#include <roost.hpp>

#include "support/gate.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <chrono>
#include <string>

using namespace std::chrono_literals;

// Where the debugger stops the program.
extern "C" [[gnu::noinline]] void all_are_there() {
  asm volatile(""); // NOLINT(hicpp-no-assembler): or the call is left out
}

namespace {

int twice(int x) {
  return 2 * x; // line: twice
}

void computes(test::gate& until) {
  until.pass();
}

/// All are as the debugger is to find them.
bool all_sleep(const roost::report& r) {
  const auto sleeps = [](const roost::task_report& t) {
    return t.blocked && t.blocked->since != roost::clock::duration::zero();
  };
  return r.tasks.size() == 9 &&
         std::all_of(r.tasks.begin(), r.tasks.end(), [&](const roost::task_report& t) {
           return sleeps(t) || t.name == "computes" || t.state == roost::task_state::queued;
         });
}

} // namespace

int main() {
  auto rows = roost::make_channel<int>(1, "rows");
  (void)rows.tx.send(twice(3)); // line: a send that needs no wait
  int sum = twice(1);           // line: after it
  roost::event configured;
  test::gate computed;
  const std::string long_name(60, 'n');
  roost::task_scope scope({.name = "service", .limit = 5}); // line: service
  scope.spawn("producer", [&] {                             // line: producer
    (void)rows.tx.send(1);                                  // line: send
  });
  scope.spawn(long_name, [&] {
    roost::task_scope inner({.name = "inner"});
    inner.spawn([&] {
      const roost::shield s(1h);
      roost::select(roost::on_set(configured, [] {}), // line: select
                    roost::on_timeout(1h, [] {}));
    });
    for (int i = 0; i < 2; ++i) {
      inner.spawn("waits for an event", [&] {
        const roost::shield s(1h);
        configured.wait(); // line: event
      });
    }
    test::wait_until_blocked(inner, 3);
    inner.request_stop("enough"); // line: stop
    inner.join();                 // line: join
  });
  scope.spawn("reads", [&] {
    const roost::blocking_region region("read(fd 7)"); // line: region
    computed.pass();
  });
  scope.spawn("computes", [&] { computes(computed); });
  scope.spawn("looks", [&] { (void)configured.wait_for(1h); }); // line: looks
  scope.spawn("is queued", [&] { ++sum; });
  computed.wait_for_arrivals(2);
  test::wait_until([&] { return all_sleep(scope.report()); });
  all_are_there(); // line: owner
  computed.open();
  configured.set();
  (void)rows.rx.receive();
  scope.join();
  return sum == 3 ? 0 : 1;
}
