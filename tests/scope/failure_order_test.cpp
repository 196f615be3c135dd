// SPDX-License-Identifier: BSL-1.0
// The cause comes before the consequence, although it is known later: the tasks that fail first
// here are still unwinding when others have failed because of what went with them.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

// A local whose destructor returns when a failure is known: as a file that closes slowly.
auto slow_local(const roost::task_scope& scope) {
  return test::at_exit([&scope] { test::wait_until([&] { return scope.stop_requested(); }); });
}

// The reader's task fails with the cause, while `go` waits for what goes with it; then the
// consequence is thrown. What the owner gets.
template <class Cause>
std::string thrown_by_both(Cause cause, const std::function<void()>& go) {
  return test::thrown_by([&] {
    roost::task_scope scope;
    scope.spawn("parse", [&] {
      go();
      throw std::runtime_error("unexpected end of input");
    });
    scope.spawn("read", [&] {
      const auto slow = slow_local(scope);
      cause();
    });
    scope.join();
  });
}

// A task that waits for a stop, and sets `over` when that has ended it.
void spawn_one_that_tells_its_end(roost::task_scope& scope, roost::event& over) {
  scope.spawn([&over] {
    const test::at_exit tell([&over] { over.set(); });
    roost::event().wait();
  });
  test::wait_until_blocked(scope, 1);
}

void receive_all(const roost::receiver<int>& rx) {
  while (rx.receive()) {
  }
}

} // namespace

TEST_CASE("a failure whose unwinding ends a channel comes before those over that end",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto read = [&] { receive_all(ch.rx); };
  SECTION("the end is a local") {
    const auto fail = [&] {
      const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
      (void)out.send(1);
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, read) == "disk error");
  }
  SECTION("the end was passed on by value") {
    const auto pass_on = [](const roost::sender<int> out) { // NOLINT: by value
      (void)out.send(1);
      throw std::runtime_error("disk error");
    };
    const auto fail = [&] { pass_on(std::move(*std::exchange(tx, std::nullopt))); };
    CHECK(thrown_by_both(fail, read) == "disk error");
  }
  SECTION("a local closes it") {
    const auto fail = [&] {
      const test::at_exit close([&] { tx->close(); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, read) == "disk error");
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
    CHECK(thrown_by_both(fail, read) == "disk error");
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
    CHECK(thrown_by_both(fail, read) == "disk error");
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
    CHECK(thrown_by_both(fail, read) == "disk error");
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
    CHECK(thrown_by_both(fail, send) == "disk error");
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
    CHECK(thrown_by_both(fail, [&] { group.wait(); }) == "disk error");
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
    CHECK(thrown_by_both(fail, wait) == "disk error");
  }
  SECTION("an event that says that it is over") {
    roost::event over;
    const auto fail = [&] {
      const test::at_exit tell([&] { over.set(); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
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
    CHECK(thrown_by_both(fail, wait) == "disk error");
  }
  SECTION("a last item that a local sends") {
    const auto ch = roost::make_channel<int>(1);
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)ch.tx.try_send(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { (void)ch.rx.receive(); }) == "disk error");
  }
  SECTION("a last item of a broadcast") {
    const roost::broadcast<int> tx(1);
    const auto rx = tx.subscribe();
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)tx.try_send(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { (void)rx.receive(); }) == "disk error");
  }
  SECTION("a last value of a watch") {
    const roost::watch<int> state(0);
    const auto rx = state.subscribe();
    (void)rx.wait();
    const auto fail = [&] {
      const test::at_exit tell([&] { (void)state.set(-1); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { (void)rx.wait(); }) == "disk error");
  }
  SECTION("a place at a barrier") {
    roost::barrier both(2);
    const auto fail = [&] {
      const test::at_exit leave([&] { both.arrive_and_drop(); });
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { both.arrive_and_wait(); }) == "disk error");
  }
  SECTION("a scope, whose tasks end because of that") {
    roost::event over;
    const auto fail = [&] {
      roost::task_scope inner;
      spawn_one_that_tells_its_end(inner, over);
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
  }
  SECTION("a background_scope, whose tasks end because of that") {
    roost::event over;
    const auto fail = [&] {
      roost::background_scope inner;
      spawn_one_that_tells_its_end(inner, over);
      throw std::runtime_error("disk error");
    };
    CHECK(thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
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
    CHECK(thrown_by_both(fail, [&] { over.wait(); }) == "disk error");
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
    CHECK(thrown_by_both(fail, [&] { test::wait_until([&] { return gone.load(); }); }) ==
          "disk error");
  }
  CHECK(test::unobserved_failures::messages() == "unexpected end of input;");
}

TEST_CASE(
    "waits in an unwinding, under a shield or at the end of a scope, do not change its moment",
    "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const bool by_scope = GENERATE(false, true);
  const auto fail = [&] {
    const test::at_exit wait([&] {
      if (by_scope) {
        roost::task_scope inner({.inherit = false});
        inner.spawn([] {});
      } else {
        const roost::shield s(1h);
        roost::this_task::sleep_for(1ms);
      }
    });
    const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
    throw std::runtime_error("disk error");
  };
  CHECK(thrown_by_both(fail, [&] { receive_all(ch.rx); }) == "disk error");
}

TEST_CASE("a hook that waits does not change the moment of what a scope throws", "[task_scope]") {
  const test::no_thread_left check;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto before = roost::set_unobserved_failure_hook([](const roost::failure&) {
    try {
      roost::this_task::sleep_for(1us);
    } catch (const roost::stopped&) { // it has waited all the same
    }
  });
  const test::at_exit restore([&] { roost::set_unobserved_failure_hook(before); });
  const bool joins = GENERATE(false, true);
  const auto fail = [&] {
    test::gate begun;
    roost::task_scope inner;
    inner.spawn([&] {
      begun.pass();
      test::wait_until([&] { return inner.stop_requested(); });
      throw std::runtime_error("for the hook");
    });
    begun.wait_for_arrivals(1);
    begun.open();
    inner.spawn([&] {
      const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
      throw std::runtime_error("disk error");
    });
    if (joins)
      inner.join();
  };
  CHECK(thrown_by_both(fail, [&] { receive_all(ch.rx); }) == "disk error");
}

TEST_CASE("a scope that outlives a handler gives its exception's moment to no other one",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  std::optional<roost::background_scope> made_in_handler;
  std::atomic<bool> made{false};
  CHECK(test::thrown_by([&] {
          roost::task_scope scope;
          scope.spawn("consequence", [&] {
            try {
              const auto other = roost::make_channel<int>(1); // touched by the unwinding
              throw std::runtime_error("handled");
            } catch (const std::runtime_error&) {
              made_in_handler.emplace();
            }
            made = true;
            receive_all(ch.rx);
            made_in_handler.reset();
            throw std::runtime_error("unexpected end of input");
          });
          scope.spawn("cause", [&] {
            test::wait_until([&] { return made.load(); });
            const auto slow = slow_local(scope);
            const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
            throw std::runtime_error("disk error");
          });
          scope.join();
        }) == "disk error");
}

TEST_CASE("a cause keeps its place on its way through scopes further in", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto fail = [&] {
    const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
    throw std::runtime_error("disk error");
  };
  std::atomic<bool> thrown{false};
  bool read_on = true; // else it is read on when the cause was thrown to the one further out
  const auto read = [&] {
    receive_all(ch.rx);
    test::wait_until([&] { return read_on || thrown; });
  };
  SECTION("thrown by the end of a task_scope") {
    CHECK(thrown_by_both(
              [&] {
                roost::task_scope inner;
                inner.spawn(fail);
              },
              read) == "disk error");
  }
  SECTION("thrown by join") {
    CHECK(thrown_by_both(
              [&] {
                roost::task_scope inner;
                inner.spawn(fail);
                inner.join();
              },
              read) == "disk error");
  }
  SECTION("thrown by a wait") {
    read_on = false;
    CHECK(thrown_by_both(
              [&] {
                roost::task_scope inner;
                const test::at_exit note([&] { thrown = true; });
                inner.spawn(fail);
                roost::this_task::sleep_for(1h);
              },
              read) == "disk error");
  }
  SECTION("thrown by get") {
    read_on = false;
    CHECK(thrown_by_both(
              [&] {
                roost::task_scope inner({.errors = roost::on_error::collect});
                const test::at_exit note([&] { thrown = true; });
                inner.spawn(fail).get();
              },
              read) == "disk error");
  }
  SECTION("thrown by with_scope, whose body has failed") {
    CHECK(thrown_by_both([&] { roost::with_scope([&](roost::task_scope&) { fail(); }); }, read) ==
          "disk error");
  }
  SECTION("thrown by with_scope, whose task has failed") {
    CHECK(thrown_by_both(
              [&] { roost::with_scope([&](roost::task_scope& inner) { inner.spawn(fail); }); },
              read) == "disk error");
  }
  SECTION("thrown by when_all") {
    CHECK(thrown_by_both([&] { roost::when_all(fail, [] {}); }, read) == "disk error");
  }
  SECTION("thrown by for_each") {
    CHECK(thrown_by_both([&] { roost::for_each(std::array{1}, [&](int) { fail(); }); }, read) ==
          "disk error");
  }
}

TEST_CASE("a body that fails over what a task's unwinding has ended is second", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  const auto run = [&] {
    roost::with_scope([&](roost::task_scope& scope) {
      scope.spawn([&scope, tx = std::move(ch.tx)]() mutable {
        const auto slow = slow_local(scope);
        const roost::sender<int> out = std::move(tx);
        throw std::runtime_error("disk error");
      });
      receive_all(ch.rx);
      throw std::runtime_error("unexpected end of input");
    });
  };
  CHECK(test::thrown_by(run) == "disk error");
  CHECK(test::unobserved_failures::messages() == "unexpected end of input;");
}

TEST_CASE("a list of failures is in the order of the moments", "[task_scope]") {
  const test::no_thread_left check;
  auto ch = roost::make_channel<int>(4);
  const auto run = [&] {
    roost::task_scope scope({.errors = roost::on_error::collect});
    scope.spawn("before", [] { throw std::runtime_error("x"); });
    CHECK(scope.wait_for(1h));
    for (int i = 0; i < 2; ++i) {
      scope.spawn("parse", [&] {
        receive_all(ch.rx);
        throw std::runtime_error("unexpected end");
      });
    }
    scope.spawn("read", [&scope, tx = std::move(ch.tx)]() mutable {
      const test::at_exit slow(
          [&] { test::wait_until([&] { return scope.failures().size() == 3; }); });
      const roost::sender<int> out = std::move(tx);
      throw std::runtime_error("disk error");
    });
    CHECK(scope.wait_for(1h));
    scope.spawn("after", [] { throw std::runtime_error("y"); });
  };
  CHECK(test::thrown_by(run) ==
        "5 tasks failed: \"before\": x; \"read\": disk error; \"parse\": unexpected end; "
        "\"parse\": unexpected end; \"after\": y");
}

TEST_CASE("an exception that was handled does not make a later failure the first", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  const auto run = [&] {
    roost::task_scope scope;
    scope.spawn("retries", [&] {
      try {
        const auto own = roost::make_channel<int>();
        throw std::runtime_error("handled");
      } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): what is under test
      }
      try {
        never.wait();
      } catch (const roost::stopped&) {
        throw std::runtime_error("canceled");
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.spawn([] { throw std::runtime_error("disk error"); });
    scope.join();
  };
  CHECK(test::thrown_by(run) == "disk error");
  CHECK(test::unobserved_failures::messages() == "canceled;");
}

TEST_CASE("an exception that a task has handled does not give its place to the thread's next task",
          "[task_scope]") {
  const test::no_thread_left check;
  test::gate both_run;
  test::gate fail;
  const auto run = [&] {
    roost::task_scope scope({.limit = 2, .errors = roost::on_error::collect});
    scope.spawn("handles", [&] {
      both_run.pass();
      try {
        const auto own = roost::make_channel<int>();
        throw std::runtime_error("handled");
      } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): what is under test
      }
    });
    scope.spawn("first", [&] {
      fail.pass();
      throw std::runtime_error("x");
    });
    scope.spawn("second", [&] { // on the thread of the one that handles
      fail.open();
      test::wait_until([&] { return scope.failures().size() == 1; });
      throw std::runtime_error("y");
    });
    both_run.open();
    scope.join();
  };
  CHECK(test::thrown_by(run) == "2 tasks failed: \"first\": x; \"second\": y");
}
