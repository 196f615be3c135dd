// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, while what runs
// is looked at: by reports and their forms, traces, leak_checks, and for deadlocks. An exception
// comes out or what is told is whole, and what is looked at goes on as before.
#include <roost.hpp>
#include <roost/testing.hpp>
#include <roost/trace.hpp>

#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::expect_usable;
using test::long_name;

namespace {

// --- reports ---------------------------------------------------------------------------

/// Calls `look(scope)` while two tasks of the scope wait for each other's end, one is in a call
/// that roost does not know, and one is queued.
template <class Look>
void look_at_tasks(Look look) {
  test::gate foreign;
  roost::event all_there;
  std::optional<roost::task_handle<void>> first;
  std::optional<roost::task_handle<void>> second;
  roost::task_scope scope({.name = long_name, .limit = 3});
  first = scope.spawn("first", [&] {
    all_there.wait();
    roost::select(roost::on_done(*second));
  });
  second = scope.spawn(long_name, [&] {
    all_there.wait();
    roost::select(roost::on_done(*first));
  });
  scope.spawn("foreign", [&] {
    const roost::blocking_region region("a call that roost does not know");
    foreign.pass();
  });
  scope.spawn("queued", [] {});
  all_there.set();
  foreign.wait_for_arrivals(1);
  test::wait_until([&] { return scope.report().deadlocks.size() == 1; });
  look(scope);
  first->request_stop();
  second->request_stop();
  foreign.open();
  expect_usable(scope);
}

constexpr std::size_t scopes_and_tasks = 5;

void expect_whole_or_less(const roost::report& r) {
  expect(r.scopes.size() + r.tasks.size() + r.left_out == scopes_and_tasks,
         "what it does not show it counts");
  expect(r.left_out != 0 || r.deadlocks.size() == 1, "if it is whole it shows the deadlock");
}

void reports() {
  look_at_tasks([](const roost::task_scope& scope) {
    roost::report of_scope;
    roost::report of_all;
    const std::exception_ptr error = attack([&] {
      of_scope = scope.report();
      of_all = roost::report_all();
    });
    expect_refusal_or_nothing(error);
    if (error == nullptr) {
      expect_whole_or_less(of_scope);
      expect_whole_or_less(of_all);
    }
    expect_whole_or_less(scope.report());
  });
}

void forms_of_reports() {
  look_at_tasks([](const roost::task_scope& scope) {
    const roost::report r = scope.report();
    for (auto* const form : {+[](const roost::report& of) { return to_text(of); },
                             +[](const roost::report& of) { return to_text(of, 0); },
                             &roost::to_json,
                             &roost::to_dot}) {
      const std::string whole = form(r);
      std::string text;
      const std::exception_ptr error = attack([&] { text = form(r); });
      expect_refusal_or_nothing(error);
      expect(text == (error == nullptr ? whole : ""), "the whole text or an exception");
    }
  });
}

void regions() {
  const std::exception_ptr error = attack([] {
    const roost::blocking_region outer(long_name);
    const roost::blocking_region inner("a call in it");
  });
  expect(error == nullptr, "they need nothing");
}

// --- traces ----------------------------------------------------------------------------

/// Keeps what is written in memory that it has from the start.
class text_room : public std::streambuf {
 public:
  text_room() { clear(); }
  void clear() { setp(room_.get(), room_.get() + size); }
  std::string_view text() const { return {pbase(), static_cast<std::size_t>(pptr() - pbase())}; }

 private:
  static constexpr std::size_t size = 1 << 20;
  std::unique_ptr<char[]> room_ = std::make_unique<char[]>(size);
};

void something_to_record() {
  roost::event set;
  roost::task_scope scope({.name = long_name, .errors = roost::on_error::collect});
  scope.spawn(long_name, [&] {
    const roost::blocking_region region(long_name);
    set.set();
  });
  scope.spawn([&] { set.wait(); });
  scope.spawn("fails", [] { throw std::bad_alloc(); });
  scope.spawn("does not begin", [] {}).request_stop();
  (void)scope.wait_for(1h);
  scope.request_stop(long_name);
  try {
    scope.join();
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      expect(test::is_refusal(f.error), "only what was refused fails");
  }
}

void traces() {
  const std::exception_ptr error = attack([&] {
    roost::trace_recorder recorder(1000);
    something_to_record();
    recorder.stop();
    expect(recorder.dropped() == 0, "there was room");
  });
  expect_refusal_or_nothing(error);
  expect(!roost::detail::is_observed(), "no half of a recorder is left");
}

const roost::trace_recorder* recorded = nullptr; // main's

template <void (roost::trace_recorder::*Write)(std::ostream&) const>
void pictures() {
  text_room room;
  std::ostream out(&room);
  (recorded->*Write)(out);
  const std::string whole(room.text());
  room.clear();
  const std::exception_ptr error = attack([&] { (recorded->*Write)(out); });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || room.text() == whole, "the whole text or an exception");
  room.clear();
  (recorded->*Write)(out);
  expect(room.text() == whole, "it can be written again");
}

// --- leak checks -----------------------------------------------------------------------

void the_first_leak_check() {
  expect_refusal_or_nothing(attack([] { const roost::testing::leak_check check(1h); }));
}

void checks_where_nothing_is_left() {
  expect_refusal_or_nothing(attack([] {
    roost::testing::leak_check check(1h);
    {
      roost::task_scope scope({.timeout = 1h});
      scope.spawn(long_name, [] {}).get();
    }
    check.check();
    const roost::testing::leak_check by_destructor(1h);
  }));
}

enum class by { call, destructor };

template <by How>
void checks_that_find_something() {
  roost::event never;
  std::optional<roost::background_scope> left;
  roost::testing::leak_check around(1h); // the thread of what is left may take its time to exit
  const std::exception_ptr error = test::exception_of([&] {
    roost::testing::leak_check check(0ns);
    left.emplace(roost::scope_options{.name = long_name});
    left->spawn(long_name, [&] { never.wait(); });
    test::wait_until_waiting(never, 1);
    test::start_fault();
    if (How == by::call)
      check.check();
  });
  test::stop_fault();
  try {
    expect(error != nullptr, "what is left is told, or that it cannot be told");
    if (error != nullptr)
      std::rethrow_exception(error);
  } catch (const roost::testing::leak_error& e) {
    const std::string_view text = e.what();
    expect(text.find(": 1 task, 1 scope\n") != text.npos, text);
  } catch (...) {
    expect_refusal_or_nothing(error);
  }
  left.reset();
  around.check();
}

// --- deadlocks -------------------------------------------------------------------------

void making_outside_wakers() {
  roost::task_scope scope({.on_deadlock = roost::on_deadlock::stop});
  const std::exception_ptr error = attack([&] {
    roost::outside_waker one(scope);
    const roost::outside_waker other(std::move(one));
    one = roost::outside_waker(scope);
  });
  expect(error == nullptr, "they need nothing");
  expect_usable(scope);
}

// The end of the waker is what makes it a deadlock. Where there was no memory to find it then, the
// owner finds it later.
void ends_of_outside_wakers() {
  roost::event never;
  std::optional<roost::outside_waker> waker;
  std::atomic<roost::task_scope*> known{nullptr};
  std::exception_ptr thrown;
  std::thread owner([&] {
    thrown = test::exception_of([&] {
      roost::task_scope scope({.stall_after = 20ms, .on_deadlock = roost::on_deadlock::stop});
      waker.emplace(scope);
      scope.spawn(long_name, [&] { never.wait(); });
      known = &scope;
      never.wait();
    });
  });
  test::wait_until([&] { return known != nullptr; });
  test::wait_until([&] { return test::scope_probe::sleeping_tasks(*known) == 1; });
  test::wait_until([&] { return test::scope_probe::owner_sleeps(*known); });
  expect(attack([&] { waker.reset(); }) == nullptr, "its end needs nothing");
  owner.join();
  try {
    expect(thrown != nullptr, "the deadlock is found");
    if (thrown != nullptr)
      std::rethrow_exception(thrown);
  } catch (const roost::deadlock_error& e) {
    const roost::report& r = e.what_waits();
    expect(r.tasks.size() == 1 || r.left_out != 0, "it tells of the task, or that it cannot");
  } catch (...) {
    expect_refusal_or_nothing(thrown);
  }
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_report_sink([](std::string_view) {});
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error), "only what was refused fails");
  });
  test::with_each_fault_at_first("the first leak check", true, &the_first_leak_check);
  test::with_each_fault("reports", &reports);
  test::with_each_fault("forms of reports", &forms_of_reports);
  test::with_each_fault("regions", &regions);
  test::with_each_fault("traces", &traces);
  roost::trace_recorder recorder(1000);
  something_to_record();
  recorder.stop();
  recorded = &recorder;
  test::with_each_fault("traces as events", &pictures<&roost::trace_recorder::write_chrome>);
  test::with_each_fault("traces as pictures", &pictures<&roost::trace_recorder::write_svg>);
  test::with_each_fault("checks where nothing is left", &checks_where_nothing_is_left);
  test::with_each_fault("checks that find something", &checks_that_find_something<by::call>);
  test::with_each_fault("destructors that find something",
                        &checks_that_find_something<by::destructor>);
  test::with_each_fault("making outside wakers", &making_outside_wakers);
  test::with_each_fault("ends of outside wakers", &ends_of_outside_wakers);
  return test::exit_code();
}
