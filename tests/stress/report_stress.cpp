// SPDX-License-Identifier: BSL-1.0
// Reports are taken all the time, while tasks are spawned, block, go on, stop and fail, and scopes
// and what is waited for come and go.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/json.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

namespace {

/// Takes reports of all until it goes. What is wrong in one is kept for the end.
class observer {
 public:
  ~observer() {
    done_ = true;
    thread_.join();
  }
  observer() = default;
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;

  int reports() const { return reports_; }
  int blocked() const { return blocked_; } // how many tasks were, in all of them
  int objects() const { return objects_; } // for how many of those it is known what they wait for
  bool all_well_formed() const { return well_formed_; }

 private:
  void observe() {
    while (!done_) {
      const roost::report r = roost::report_all();
      check(r);
      ++reports_;
    }
  }

  void check(const roost::report& r) {
    for (const roost::task_report& t : r.tasks) {
      blocked_ += t.blocked ? 1 : 0;
      objects_ += t.blocked && !t.blocked->waits_for.empty() ? 1 : 0;
      well_formed_ = well_formed_ && t.id != 0 && t.scope != 0 && t.spawned.line != 0;
    }
    try {
      test::json::read(to_json(r));
      well_formed_ = well_formed_ && !to_text(r).empty() && !to_dot(r).empty();
    } catch (const std::exception&) {
      well_formed_ = false;
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<int> reports_{0};
  std::atomic<int> blocked_{0};
  std::atomic<int> objects_{0};
  std::atomic<bool> well_formed_{true};
  std::thread thread_{[this] { observe(); }};
};

/// Waits of all kinds, at things that go as soon as they can.
void wait_somehow(std::uint64_t way) {
  switch (way % 8) {
  case 0: {
    auto ends = roost::make_channel<std::string>(static_cast<std::uint32_t>(way) % 3, "strings");
    roost::task_scope scope({.name = "pipe"});
    scope.spawn("sender", [tx = std::move(ends.tx)] {
      for (int i = 0; i < 5; ++i)
        (void)tx.send("item");
    });
    scope.spawn("receiver", [rx = std::move(ends.rx)] {
      while (rx.receive()) {
      }
    });
    break;
  }
  case 1: {
    std::optional<roost::event> set(std::in_place);
    roost::task_scope scope({.name = "event"});
    scope.spawn("setter", [&] { set->set(); });
    set->wait();
    scope.join(); // set() may still be in it
    set.reset();
    break;
  }
  case 2: {
    roost::semaphore permits(1);
    roost::task_scope scope({.name = "semaphore"});
    for (int i = 0; i < 3; ++i)
      scope.spawn("holder", [&] { const auto held = permits.acquire(); });
    break;
  }
  case 3: {
    roost::wait_group group;
    roost::task_scope scope({.name = "group"});
    for (int i = 0; i < 3; ++i)
      group.spawn(scope, [] { roost::this_task::sleep_for(1us); });
    group.wait();
    break;
  }
  case 4: {
    auto one = roost::make_channel<int>(1, "one");
    auto two = roost::make_channel<int>(0, "two");
    roost::task_scope scope({.name = "select", .exit = roost::on_exit::stop});
    scope.spawn("one", [&] { (void)one.tx.send(1); });
    scope.spawn("two", [&] { (void)two.tx.send(2); });
    roost::select(roost::on_receive(one.rx, [](auto) {}),
                  roost::on_receive(two.rx, [](auto) {}),
                  roost::on_timeout(1ms));
    break;
  }
  case 5: {
    roost::task_scope scope({.name = "limited", .limit = 1, .backlog = 1});
    for (int i = 0; i < 6; ++i)
      scope.spawn("queued", [] { roost::this_task::sleep_for(1us); });
    break;
  }
  case 6: {
    roost::event never;
    roost::task_scope scope({.name = "handles"});
    auto handle = scope.spawn("stopped alone", [&] { never.wait(); });
    auto other = scope.spawn("is waited for", [&] { never.wait(); });
    scope.spawn("stops it", [h = std::move(handle)]() mutable { h.request_stop(); });
    scope.spawn("waits for it", [h = std::move(other)] { (void)h.wait_for(10us); });
    scope.request_stop();
    break;
  }
  default: {
    const roost::broadcast<int> news(1);
    roost::task_scope scope({.name = "broadcast"});
    scope.spawn("reads", [rx = news.subscribe()] {
      for (int i = 0; i < 4; ++i)
        (void)rx.receive();
    });
    for (int i = 0; i < 4; ++i)
      (void)news.send(i);
    break;
  }
  }
}

} // namespace

TEST_CASE("reports are taken while all kinds of waits come and go", "[report]") {
  const test::no_thread_left check;
  ROOST_TEST_SHOW_SEED();
  const observer all;
  for (int round = 0; round < rounds(150); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round) + 1);
    try {
      roost::task_scope scope({.name = "round"});
      for (int t = 0; t < 4; ++t) {
        const std::uint64_t way = random.next();
        scope.spawn("waits", [way] {
          for (std::uint64_t i = 0; i < 4; ++i)
            wait_somehow(way + i);
        });
      }
      const roost::report r = scope.report();
      CHECK(!r.scopes.empty());
      switch (random.next() % 4) {
      case 0:
        scope.request_stop("enough");
        break;
      case 1:
        scope.spawn("fails", [] { throw std::runtime_error("as planned"); });
        break;
      default:
        break;
      }
      scope.join();
    } catch (const std::runtime_error&) { // as planned
    } catch (const roost::stopped&) {     // the spawn came after the failure
    }
  }
  // However short the rounds are: it has seen a task that waits.
  roost::event never;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("waits", [&] { never.wait(); });
  while (all.objects() == 0)
    std::this_thread::yield();
  CHECK(all.reports() > 0);
  CHECK(all.blocked() > 0);
  CHECK(all.all_well_formed());
}

TEST_CASE("a report shows each of many blocked tasks, while others come and go", "[report]") {
  const test::no_thread_left check;
  constexpr int blocked = 20;
  std::atomic<bool> done{false};
  roost::event never;
  roost::task_scope scope({.name = "both", .exit = roost::on_exit::stop});
  for (int i = 0; i < blocked; ++i)
    scope.spawn("stays", [&] { never.wait(); });
  const auto stays_of = [&](const roost::report& r) {
    int count = 0;
    for (const roost::task_report& t : r.tasks)
      count += t.name == "stays" && t.blocked && t.blocked->detail == "not set" ? 1 : 0;
    return count;
  };
  while (stays_of(scope.report()) != blocked)
    std::this_thread::yield();
  for (int i = 0; i < 2; ++i) {
    scope.spawn("spawner", [&] {
      while (!done)
        scope.spawn("comes and goes", [] {}).get();
    });
  }
  int wrong = 0;
  for (int round = 0; round < rounds(500); ++round)
    wrong += stays_of(scope.report()) == blocked ? 0 : 1;
  done = true;
  CHECK(wrong == 0);
}
