// SPDX-License-Identifier: BSL-1.0
// Whether scope_options::on_deadlock tells of tasks that wait for a mutex: it depends on its
// holder.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <string>
#include <thread>

using roost::mutex;

namespace {

roost::scope_options stops() {
  return {.stall_after = roost::clock::duration::max(), .on_deadlock = roost::on_deadlock::stop};
}

} // namespace

TEST_CASE("a mutex that the owner holds while it joins is in a deadlock", "[deadlock][mutex]") {
  mutex m("m");
  roost::task_scope scope(stops());
  m.lock();
  scope.spawn("wants", [&] { const mutex::guard held(m); });
  try {
    scope.join();
    FAIL("nothing was thrown");
  } catch (const roost::deadlock_error& e) {
    const std::string says = e.what();
    INFO(says);
    CHECK(says.find("deadlock: ") != std::string::npos);
    CHECK(says.find("\"wants\"") != std::string::npos);
  }
  m.unlock();
}

TEST_CASE("a thread outside that holds the mutex may unlock it", "[deadlock][mutex]") {
  mutex m("m");
  test::gate locked;
  roost::task_scope scope(stops());
  const auto hold = [&] {
    const mutex::guard held(m);
    locked.pass();
    test::wait_until_joining(scope);
    test::wait_until([&] {
      const roost::report r = scope.report();
      return r.tasks.size() == 1 && r.tasks[0].blocked;
    });
  };
  const auto wait_for_it = [&] {
    locked.wait_for_arrivals(1);
    scope.spawn([&] { const mutex::guard wanted(m); });
    test::wait_until_waiting(m, 1);
    locked.open();
    CHECK_NOTHROW(scope.join());
  };
  SECTION("without a task") {
    const std::jthread outside(hold);
    wait_for_it();
  }
  SECTION("as a task of another root scope") {
    roost::task_scope other({.inherit = false, .covers_owner = false});
    other.spawn(hold);
    wait_for_it();
    other.join();
  }
}
