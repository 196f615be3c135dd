// SPDX-License-Identifier: BSL-1.0
// Ends of scopes after which nothing can be right any more: each writes one line with the remedy
// to stderr and calls std::terminate().
#include <roost.hpp>

#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

namespace {

void on_another_thread() {
  auto scope = std::make_unique<roost::task_scope>(roost::scope_options{.name = "svc"});
  std::jthread([&] { scope.reset(); }).join();
}

void by_an_own_task() {
  auto scope = std::make_unique<roost::task_scope>(roost::scope_options{.covers_owner = false});
  roost::task_scope& open = *scope; // the pointer is null before the scope ends
  open.spawn([&] { scope.reset(); });
  (void)open.wait_for(1h);
}

void of_an_object_by_an_own_task() {
  auto scope = std::make_unique<roost::background_scope>();
  roost::task_scope& open = *scope; // the pointer is null before the scope ends
  open.spawn([&] { scope.reset(); });
  (void)open.wait_for(1h);
}

void by_a_callback_of_the_deadline() {
  test::bubble([] {
    auto scope = std::make_unique<roost::task_scope>(
        roost::scope_options{.timeout = 1h, .covers_owner = false});
    const std::stop_callback callback(scope->get_stop_token(), [&] { scope.reset(); });
    roost::this_task::sleep_for(2h);
  });
}

void after_the_task_that_made_it() {
  std::unique_ptr<roost::task_scope> left;
  roost::task_scope scope;
  scope.spawn([&] { left = std::make_unique<roost::task_scope>(); });
}

void of_a_shield_on_another_thread() {
  const roost::task_scope scope;
  auto shield = std::make_unique<roost::shield>(1h, roost::site::current());
  std::jthread([&] { shield.reset(); }).join();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view which = argc == 2 ? argv[1] : "";
  if (which == "other_thread")
    on_another_thread();
  if (which == "own_task")
    by_an_own_task();
  if (which == "background")
    of_an_object_by_an_own_task();
  if (which == "deadline_callback")
    by_a_callback_of_the_deadline();
  if (which == "left_behind")
    after_the_task_that_made_it();
  if (which == "shield")
    of_a_shield_on_another_thread();
  return 0; // not reached
}
