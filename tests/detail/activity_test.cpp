// SPDX-License-Identifier: BSL-1.0
// Which threads count as awake, and by which number a thread's trees are known.
#include <roost.hpp>
#include <roost/detail/parallel/joint_tasks.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/wait/activity.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <cstdint>

using roost::detail::activity;

namespace {

std::atomic<int> looks{0};

} // namespace

TEST_CASE("code that runs inside a wait counts as awake where the wait is counted", "[activity]") {
  const auto counted = roost::detail::make_counted<activity>(activity::next_number());
  looks = 0;
  counted->watch([](std::uint32_t) noexcept { ++looks; });
  counted->one_more(); // another thread of that tree; this one joins a scope there
  roost::detail::parker_lease lease;
  roost::detail::wait_record record(lease.get());
  record.count_in(counted.get());
  const roost::detail::blocked_region region(record, {}, roost::detail::no_deadline);
  {
    const roost::detail::wait_set_aside aside;
    counted->one_less();
    CHECK(looks == 0);
  }
  CHECK(looks == 1);
}

TEST_CASE("a thread keeps the number of its trees, also where it has waited for forks",
          "[activity]") {
  std::uint32_t numbers[2] = {};
  for (std::uint32_t& number : numbers) {
    test::gate begins;
    roost::task_scope scope;
    number = roost::detail::tree_here();
    scope.spawn([&] {
      begins.open();
      test::wait_until_joining(scope);
    });
    begins.pass(); // so that the task has a thread of its own
    roost::detail::joint_tasks::join(scope, roost::site::current());
  }
  CHECK(numbers[0] == numbers[1]);
}
