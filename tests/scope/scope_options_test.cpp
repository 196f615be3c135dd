// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"

#include <chrono>
#include <stdexcept>
#include <string_view>

using namespace std::chrono_literals;

TEST_CASE("all scope_options are given in the order in which people write them", "[task_scope]") {
  const test::no_thread_left check;
  const auto deadline = roost::clock::now() + 2h;
  int handled = 0;
  const roost::scope_options options{.name = "all",
                                     .limit = 2,
                                     .backlog = 3,
                                     .timeout = 1h,
                                     .deadline = deadline,
                                     .exit = roost::on_exit::stop,
                                     .errors = roost::on_error::collect,
                                     .on_failure = [&](const roost::failure&) { ++handled; },
                                     .inherit = false,
                                     .covers_owner = false,
                                     .thread_started = [](std::string_view) {},
                                     .stall_after = 1min};
  CHECK(options.limit == 2);
  CHECK(options.backlog == 3);
  CHECK(roost::clock::time_point(options.deadline) == deadline);
  roost::task_scope scope(options);
  scope.spawn([] { throw std::runtime_error("handled"); });
  CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
  CHECK(handled == 1);
}
