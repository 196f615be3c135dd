// SPDX-License-Identifier: BSL-1.0
// Waits for mutexes that would never end are told where they begin.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using roost::mutex;

namespace {

std::string at_line(std::size_t line) {
  return std::string(__FILE__) + ":" + std::to_string(line);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool is_deadlock(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    return e.code() == std::errc::resource_deadlock_would_occur;
  } catch (...) {
    return false;
  }
}

} // namespace

TEST_CASE("a task that locks its own mutex again is told so", "[mutex]") {
  mutex m("m");
  const mutex::guard held(m);
  const std::size_t locked = __LINE__ - 1;
  const auto lock = [&] { m.lock(); };
  const std::string says = test::thrown_by(lock);
  INFO(says);
  CHECK(has(says, "roost::mutex::lock at " + at_line(locked + 2)));
  CHECK(has(says, "the caller itself has locked mutex \"m\" at " + at_line(locked)));
  CHECK(is_deadlock(test::exception_of(lock)));
}

TEST_CASE("a task that runs inside the wait of a holder is told so", "[mutex]") {
  mutex m;
  std::string says;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    const mutex::guard held(m);
    scope.spawn([&] { says = test::thrown_by([&] { m.lock(); }); }).get();
  });
  scope.join();
  INFO(says);
  CHECK(has(says, "a task inside whose wait this one runs has locked an unnamed mutex at "));
}

TEST_CASE("two tasks that lock two mutexes in different order are told who holds what", "[mutex]") {
  mutex a("a");
  mutex b("b");
  std::exception_ptr error;
  roost::task_scope scope;
  test::gate locked;
  scope.spawn("x", [&] {
    const mutex::guard first(a);
    locked.pass();
    const mutex::guard second(b);
  });
  const std::size_t x = __LINE__ - 4;
  locked.wait_for_arrivals(1);
  scope.spawn("y", [&] {
    const mutex::guard first(b);
    locked.open();
    test::wait_until_waiting(b, 1);
    error = test::exception_of([&] { const mutex::guard second(a); });
  });
  const std::size_t y = __LINE__ - 5;
  scope.join(); // y gave up, so x went on
  CHECK(is_deadlock(error));
  const std::string says = test::message_of(error);
  INFO(says);
  CHECK(has(says, "roost::mutex::lock at " + at_line(y + 3)));
  CHECK(has(says,
            "task \"y\" waits for mutex \"a\" at " + at_line(y + 3) +
                ", which task \"x\" locked at " + at_line(x)));
  CHECK(has(says,
            "task \"x\" waits for mutex \"b\" at " + at_line(x + 2) +
                ", which task \"y\" locked at " + at_line(y)));
  CHECK(has(says, "Lock them in the same order everywhere, or together by std::scoped_lock"));
  CHECK_FALSE(has(says, "mutex::guard instead of std's"));
}

TEST_CASE("a circle of many, with threads and guards of std, is told by the last", "[mutex]") {
  constexpr std::size_t count = 20;
  std::vector<mutex> all(count);
  std::atomic<int> got = 0;
  std::string says;
  {
    std::vector<std::jthread> others; // each waits for the next one's, the last for this thread's
    all[0].lock();
    for (std::size_t i = count - 1; i > 0; --i) {
      mutex& next = all[(i + 1) % count];
      others.emplace_back([&, i] {
        const std::lock_guard own(all[i]);
        const mutex::guard wanted(next);
        ++got;
      });
      test::wait_until_waiting(next, 1);
    }
    says = test::thrown_by([&] { all[1].lock(); });
    CHECK(got == 0);
    all[0].unlock();
  }
  CHECK(got == count - 1);
  INFO(says);
  std::size_t waits = 0;
  for (std::size_t at = 0; (at = says.find(" waits for ", at)) != std::string::npos; ++at)
    ++waits;
  CHECK(waits == count);
  CHECK(has(says, "a thread without a task waits for an unnamed mutex"));
  CHECK(has(says, "locked at a line of the standard library"));
  CHECK(has(says, "(a mutex::guard instead of std's tells its line here)"));
}

TEST_CASE("a chain of waits that ends in a running task is no circle", "[mutex]") {
  mutex a;
  mutex b;
  test::gate busy;
  test::gate locked;
  roost::task_scope scope;
  scope.spawn([&] {
    const mutex::guard held(a);
    busy.pass();
  });
  busy.wait_for_arrivals(1);
  scope.spawn([&] {
    const mutex::guard first(b);
    locked.pass();
    const mutex::guard second(a);
  });
  locked.wait_for_arrivals(1);
  locked.open();
  test::wait_until_waiting(a, 1);
  scope.spawn([&] { const mutex::guard held(b); });
  test::wait_until_waiting(b, 1);
  busy.open();
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("a wait with a time limit closes no circle and is in none", "[mutex]") {
  mutex a;
  mutex b;
  bool got = true;
  roost::task_scope scope;
  test::gate locked;
  scope.spawn([&] {
    const mutex::guard first(a);
    locked.pass();
    const mutex::guard second(b);
  });
  locked.wait_for_arrivals(1);
  scope.spawn([&] {
    const mutex::guard first(b);
    locked.open();
    test::wait_until_waiting(b, 1);
    got = a.try_lock_for(5ms); // the other one waits without a limit
    a.try_lock_until(roost::clock::now()) ? a.unlock() : void();
  });
  CHECK_NOTHROW(scope.join());
  CHECK_FALSE(got);
}

TEST_CASE("a circle through a task that is set aside for another on its thread is told",
          "[mutex]") {
  mutex a("a");
  mutex b("b");
  std::string says;
  test::gate locked;
  roost::task_scope scope;
  scope.spawn("x", [&] {
    const mutex::guard first(b);
    locked.pass();
    const mutex::guard second(a); // held by outer, which waits for inner
  });
  locked.wait_for_arrivals(1);
  roost::task_scope limited({.limit = 1});
  limited.spawn("outer", [&] {
    const mutex::guard held(a);
    limited
        .spawn("inner",
               [&] {
                 locked.open();
                 test::wait_until_waiting(a, 1);
                 says = test::thrown_by([&] { b.lock(); });
               })
        .get();
  });
  limited.join();
  scope.join();
  INFO(says);
  CHECK(has(says, "task \"inner\" waits for mutex \"b\" at "));
  CHECK(has(says, "task \"x\" waits for mutex \"a\" at "));
}
