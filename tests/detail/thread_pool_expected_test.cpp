// SPDX-License-Identifier: BSL-1.0
// A thread that is near the end of its job counts as one that is on its way to the next.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"

#include <chrono>
#include <exception>
#include <thread>

using namespace std::chrono_literals;
using roost::detail::thread_pool;

namespace {

struct gated_job final : roost::detail::job {
  void run_on_pool() noexcept override {
    thread = std::this_thread::get_id();
    if (says_so_to != nullptr)
      says_so_to->expect_this_thread();
    go.pass();
  }
  void fail_on_pool(const std::exception_ptr&) noexcept override { go.pass(); }

  thread_pool* says_so_to = nullptr;
  std::thread::id thread; // read after it has arrived
  test::gate go;
};

} // namespace

TEST_CASE("a job is left to the thread that has said that its own is over", "[thread_pool]") {
  const test::no_thread_left check;
  const bool says_so = GENERATE(true, false);
  gated_job first; // jobs outlive the pool, whose threads may still be on their way out of them
  gated_job next;
  thread_pool threads(1h);
  if (says_so)
    first.says_so_to = &threads;
  threads.start(first);
  first.go.wait_for_arrivals(1);
  threads.start(next);
  CHECK(threads.size() == (says_so ? 1 : 2));
  first.go.open();
  next.go.wait_for_arrivals(1);
  CHECK((next.thread == first.thread) == says_so);
  next.go.open();
}

TEST_CASE("a thread that has said so counts for one job", "[thread_pool]") {
  const test::no_thread_left check;
  gated_job first;
  gated_job second;
  gated_job third;
  thread_pool threads(1h);
  first.says_so_to = &threads;
  threads.start(first);
  first.go.wait_for_arrivals(1);
  threads.start(second);
  threads.start(third);
  CHECK(threads.size() == 2);
  first.go.open();
  second.go.wait_for_arrivals(1);
  third.go.wait_for_arrivals(1);
  second.go.open();
  third.go.open();
}
