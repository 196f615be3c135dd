// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, in what several
// tasks share: broadcasts, watches, barriers, mutexes. An exception comes out or it goes well, no
// item is lost, and what they share works as before.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;
using roost::on_change;
using roost::on_phase_end;
using roost::on_receive;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::expect_usable;
using test::item_counts;
using test::long_name;
using test::tracked_item;

namespace {

constexpr int many = 5;

// --- broadcasts, watches, barriers -----------------------------------------------------

void broadcasts() {
  item_counts counts;
  {
    const roost::broadcast<tracked_item> tx(1);
    const auto rx = tx.subscribe();
    const auto slow = tx.subscribe(roost::overflow::drop_oldest);
    std::atomic<int> sent{0};
    std::atomic<int> received{0};
    std::atomic<int> received_slowly{0};
    const std::exception_ptr error = attack([&] {
      roost::task_scope scope;
      scope.spawn([&] {
        for (int i = 0; i < many; ++i) {
          tracked_item item(counts, i);
          try {
            expect(bool(tx.send(std::move(item))), "it is open");
          } catch (...) {
            // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
            expect(item.value() == i, "the item stays in its variable");
            throw;
          }
          ++sent;
        }
        tx.close();
      });
      scope.spawn([&] {
        while (rx.receive())
          ++received;
      });
      for (bool open = true; open;) {
        roost::select(on_receive(slow, [&](auto item) {
          open = bool(item);
          received_slowly += open ? 1 : 0;
        }));
      }
    });
    expect_refusal_or_nothing(error);
    expect(error != nullptr || received == many, "if nothing is thrown all are received");
    expect(sent == received + static_cast<int>(rx.size()), "no item is lost");
    while (slow.try_receive()) // it finds out what it has missed when it looks
      ++received_slowly;
    expect(sent == received_slowly + static_cast<int>(slow.missed()),
           "the slow one is told of what it has missed");
  }
  expect(counts.live == 0, "each item dies once");
}

void watches() {
  const std::string name = long_name;
  const roost::watch<std::string> latest(name);
  const auto change = latest.subscribe();
  char set = '0';
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    scope.spawn([&] {
      while (change.wait()->back() != '3') {
      }
    });
    scope.spawn([&, other = latest.subscribe()] {
      for (bool is_last = false; !is_last;)
        roost::select(on_change(other, [&](auto value) { is_last = value->back() == '3'; }));
    });
    for (const char digit : {'1', '2', '3'}) {
      latest.set(name + digit);
      set = digit;
    }
  });
  expect_refusal_or_nothing(error);
  expect(set == '0' ? latest.get() == name : latest.get() == name + set,
         "what was set last is there");
  latest.set("usable");
  expect(*change.wait() == "usable", "it works as before");
}

void barriers() {
  roost::barrier both(2);
  std::atomic<int> passed{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    scope.spawn([&] {
      for (int i = 0; i < 3; ++i) {
        both.arrive_and_wait();
        ++passed;
      }
    });
    both.arrive_and_wait();
    both.arrive_and_wait();
    roost::select(on_phase_end(both, both.arrive()));
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || passed == 3, "if nothing is thrown all phases are over");
}

// An arrival whose wait throws is withdrawn.
void an_arrival_that_throws() {
  roost::barrier both(2);
  std::atomic<bool> over{false};
  std::atomic<bool> arrived{false};
  roost::task_scope scope;
  auto other = scope.spawn([&] {
    arrived = true;
    test::wait_until([&] { return over || test::waiting(both) == 1; });
    both.arrive_and_wait();
  });
  test::wait_until([&] { return arrived.load(); });
  const std::exception_ptr error = attack([&] { both.arrive_and_wait(); });
  over = true;
  expect_refusal_or_nothing(error);
  if (error != nullptr)
    both.arrive_and_wait();
  other.get();
  expect(!both.wait_for(both.arrive(), 0ns), "the next phase has one arrival");
  expect_usable(scope);
}

// --- mutexes ---------------------------------------------------------------------------

void mutexes() {
  roost::mutex guards(long_name);
  int held = 0;
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&] {
        for (int turn = 0; turn < 2; ++turn) {
          const roost::mutex::guard g(guards);
          ++held;
          roost::this_task::sleep_for(10us);
        }
        if (guards.try_lock_for(1h))
          guards.unlock();
      });
    }
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || held == 6, "if nothing is thrown all had it");
  const roost::mutex::guard free(guards);
}

bool is_circle(const std::exception_ptr& error) {
  try {
    if (error != nullptr)
      std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    return e.code() == std::errc::resource_deadlock_would_occur;
  } catch (...) { // something else
  }
  return false;
}

// The task that closes the circle throws, even if it cannot say more than that there is no memory.
void circles_of_mutexes() {
  std::array<roost::mutex, 2> guards;
  roost::barrier both(2);
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (const std::size_t first : {0U, 1U}) {
      scope.spawn(long_name, [&, first] {
        const roost::mutex::guard one(guards.at(first));
        both.arrive_and_wait();
        const roost::mutex::guard other(guards.at(1 - first));
      });
    }
  });
  expect(error != nullptr, "one of them throws");
  if (!is_circle(error))
    expect_refusal_or_nothing(error);
  for (roost::mutex& m : guards)
    const roost::mutex::guard free(m);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error), "only what was refused fails");
  });
  test::with_each_fault("broadcasts", &broadcasts);
  test::with_each_fault("watches", &watches);
  test::with_each_fault("barriers", &barriers);
  test::with_each_fault("an arrival that throws", &an_arrival_that_throws);
  test::with_each_fault("mutexes", &mutexes);
  // A task that has no memory to wait fails, too, once the other one has found the circle.
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error) || is_circle(f.error), "only a circle fails, or a refusal");
  });
  test::with_each_fault("circles of mutexes", &circles_of_mutexes);
  return test::exit_code();
}
