// SPDX-License-Identifier: BSL-1.0
// The cause comes before the consequence, although it is known later: the tasks that fail first
// here are still unwinding when others have failed because of what went with them.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/cause_and_consequence.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <utility>

namespace {

// A task that waits for a stop, and sets `over` when that has ended it.
void spawn_one_that_tells_its_end(roost::task_scope& scope, roost::event& over) {
  scope.spawn([&over] {
    const test::at_exit tell([&over] { over.set(); });
    roost::event().wait();
  });
  test::wait_until_blocked(scope, 1);
}

} // namespace

TEST_CASE("a failure whose unwinding ends a channel comes before those over that end",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto read = [&] { test::receive_all(ch.rx); };
  SECTION("the end is a local") {
    const auto fail = [&] {
      const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
      (void)out.send(1);
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("the end was passed on by value") {
    const auto pass_on = [](const roost::sender<int> out) { // NOLINT: by value
      (void)out.send(1);
      throw std::runtime_error("disk error");
    };
    const auto fail = [&] { pass_on(std::move(*std::exchange(tx, std::nullopt))); };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("a local closes it") {
    const auto fail = [&] {
      const test::at_exit close([&] { tx->close(); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("a handler closes it and throws on") {
    const auto fail = [&] {
      try {
        throw std::runtime_error("disk error");
      } catch (...) {
        tx->close();
        throw;
      }
    };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("a handler closes it and throws something else") {
    const auto fail = [&] {
      try {
        throw 7;
      } catch (int) {
        tx->close();
        throw std::runtime_error("disk error");
      }
    };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("a handler closes it because of the failure, and throws on") {
    const auto fail = [&] {
      try {
        throw std::runtime_error("disk error");
      } catch (...) {
        (void)tx->fail(std::current_exception());
        throw;
      }
    };
    CHECK(test::thrown_by_both(fail, read) == "disk error");
  }
  SECTION("it is the last receiver's") {
    std::optional<roost::receiver<int>> rx = std::move(ch.rx);
    const auto fail = [&] {
      const roost::receiver<int> in = std::move(*std::exchange(rx, std::nullopt));
      throw std::runtime_error("disk error");
    };
    const auto send = [&] {
      while (tx->send(1)) {
      }
    };
    CHECK(test::thrown_by_both(fail, send) == "disk error");
  }
  CHECK(test::unobserved_failures::messages() == "unexpected end of input;");
}

TEST_CASE("a failure whose unwinding gives something back comes before those over that",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("a token of a wait_group") {
    roost::wait_group group;
    std::optional<roost::wait_group::token> token = group.enter();
    const auto fail = [&] {
      const roost::wait_group::token counted = std::move(*std::exchange(token, std::nullopt));
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { group.wait(); }) == "disk error");
  }
  SECTION("a permit of a semaphore") {
    roost::semaphore one(1);
    roost::event taken;
    const auto fail = [&] {
      const auto permit = one.acquire();
      taken.set();
      throw std::runtime_error("disk error");
    };
    const auto wait = [&] {
      taken.wait();
      (void)one.acquire();
    };
    CHECK(test::thrown_by_both(fail, wait) == "disk error");
  }
  SECTION("an event that says that it is over") {
    roost::event over;
    const auto fail = [&] {
      const test::at_exit tell([&] { over.set(); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
  }
  SECTION("the sender of a broadcast") {
    std::optional<roost::broadcast<int>> tx(std::in_place, 1U);
    const auto rx = tx->subscribe();
    const auto fail = [&] {
      const auto out = std::move(*std::exchange(tx, std::nullopt));
      throw std::runtime_error("disk error");
    };
    const auto wait = [&] {
      while (rx.receive()) {
      }
    };
    CHECK(test::thrown_by_both(fail, wait) == "disk error");
  }
  SECTION("a last item that a local sends") {
    const auto ch = roost::make_channel<int>(1);
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)ch.tx.try_send(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { (void)ch.rx.receive(); }) == "disk error");
  }
  SECTION("a last item of a broadcast") {
    const roost::broadcast<int> tx(1);
    const auto rx = tx.subscribe();
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)tx.try_send(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { (void)rx.receive(); }) == "disk error");
  }
  SECTION("a last value of a watch") {
    const roost::watch<int> state(0);
    const auto rx = state.subscribe();
    (void)rx.wait();
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)state.set(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { (void)rx.wait(); }) == "disk error");
  }
  SECTION("a place at a barrier") {
    roost::barrier both(2);
    const auto fail = [&] {
      const test::at_exit leave([&] { both.arrive_and_drop(); });
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { both.arrive_and_wait(); }) == "disk error");
  }
  SECTION("a scope, whose tasks end because of that") {
    roost::event over;
    const auto fail = [&] {
      roost::task_scope inner;
      spawn_one_that_tells_its_end(inner, over);
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
  }
  SECTION("a background_scope, whose tasks end because of that") {
    roost::event over;
    const auto fail = [&] {
      roost::background_scope inner;
      spawn_one_that_tells_its_end(inner, over);
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
  }
  SECTION("a scope that a destructor stops and joins") {
    roost::event over;
    const auto fail = [&] {
      roost::background_scope inner;
      const test::at_exit end([&] {
        inner.request_stop();
        inner.join();
      });
      spawn_one_that_tells_its_end(inner, over);
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
  }
  SECTION("a handle, after which others are told by other means") {
    std::atomic<bool> gone{false};
    const auto fail = [&] {
      const test::at_exit tell([&] { gone = true; });
      roost::task_scope inner({.inherit = false, .covers_owner = false});
      const auto handle = inner.spawn([] { return 1; });
      inner.join();
      throw std::runtime_error("disk error");
    };
    CHECK(test::thrown_by_both(fail, [&] { test::wait_until([&] { return gone.load(); }); }) ==
          "disk error");
  }
  CHECK(test::unobserved_failures::messages() == "unexpected end of input;");
}
