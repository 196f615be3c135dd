// SPDX-License-Identifier: BSL-1.0
// Tries with a limit each, inside a limit for all of them.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace std::chrono_literals;

namespace {

// What a loop of tries has seen, and what its caller got.
struct outcome {
  int tries = 0;
  int others_timeouts = 0; // that were none of a try's own
  std::string thrown = "nothing";
  std::string whose; // the scope of a timeout_error
  unsigned line = 0; // likewise
};

// Calls `one_try()` for ever, unless something else than its timeout ends it.
template <class Try>
void retry(outcome& seen, Try one_try) {
  for (;;) {
    try {
      ++seen.tries;
      one_try();
      return;
    } catch (const roost::timeout_error& e) {
      seen.others_timeouts += e.scope() != "try";
    }
  }
}

template <class Body>
outcome call(Body body) {
  outcome seen;
  try {
    test::bubble([&] { body(seen); });
  } catch (const roost::timeout_error& e) {
    seen.thrown = "timeout";
    seen.whose = e.scope();
    seen.line = static_cast<unsigned>(e.where().line);
  } catch (...) {
    seen.thrown = test::message_of(std::current_exception());
  }
  return seen;
}

void wait_in_vain(roost::task_scope&) {
  roost::event().wait();
}

} // namespace

TEST_CASE("timeout_error tells whose deadline it was", "[task_scope]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<roost::timeout_error>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<roost::timeout_error>);
  const test::no_thread_left check;
  const roost::scope_options late{.name = "a name too long for a short string", .timeout = 0ms};
  unsigned line = 0;
  std::optional<roost::timeout_error> kept;
  SECTION("from the end of a task_scope") {
    try {
      line = __LINE__ + 1;
      roost::task_scope scope(late);
      scope.spawn([] {});
    } catch (const roost::timeout_error& e) {
      kept = e;
    }
  }
  SECTION("from a wait of its owner") {
    line = __LINE__ + 1;
    roost::task_scope scope(late);
    try {
      roost::this_task::checkpoint();
    } catch (const roost::timeout_error& e) {
      kept = e;
    }
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
  }
  SECTION("from with_scope") {
    try {
      line = __LINE__ + 1;
      roost::with_scope(late, wait_in_vain);
    } catch (const roost::timeout_error& e) {
      kept = e;
    }
  }
  REQUIRE(kept.has_value());
  CHECK(kept->scope() == "a name too long for a short string");
  CHECK(kept->where().line == line);
  CHECK(std::string(kept->what()) ==
        "roost: the deadline of scope \"a name too long for a short string\" passed");
  CHECK(roost::timeout_error("a user's own").scope().empty());
}

TEST_CASE("tries inside a total deadline end with the total's timeout_error", "[with_scope]") {
  const test::no_thread_left check;
  unsigned line = 0;
  const outcome seen = call([&](outcome& tries) {
    line = __LINE__ + 1;
    roost::with_scope({.name = "total", .timeout = 55min}, [&](roost::task_scope&) {
      retry(tries, [] { roost::with_scope({.name = "try", .timeout = 10min}, wait_in_vain); });
    });
  });
  CHECK(seen.thrown == "timeout");
  CHECK(seen.whose == "total");
  CHECK(seen.line == line);
  CHECK(seen.others_timeouts == 0);
  CHECK(seen.tries == 6);
}

TEST_CASE("tries in the tasks of a scope with a total deadline end with its timeout_error",
          "[with_scope]") {
  const test::no_thread_left check;
  std::atomic<int> others{0};
  const outcome seen = call([&](outcome&) {
    roost::task_scope total({.name = "total", .timeout = 28min});
    for (int i = 0; i < 3; ++i) {
      total.spawn([&] {
        outcome mine;
        retry(mine, [] { roost::with_scope({.name = "try", .timeout = 5min}, wait_in_vain); });
        others += mine.others_timeouts;
      });
    }
  });
  CHECK(seen.thrown == "timeout");
  CHECK(seen.whose == "total");
  CHECK(others == 0);
}

TEST_CASE("tries inside a scope whose task fails end with that failure", "[with_scope]") {
  const test::no_thread_left check;
  const outcome seen = call([](outcome& tries) {
    roost::with_scope({.name = "total"}, [&](roost::task_scope& total) {
      total.spawn([] {
        roost::this_task::sleep_for(12min);
        throw std::runtime_error("disk full");
      });
      for (;;) {
        try {
          ++tries.tries;
          roost::with_scope({.name = "try", .timeout = 5min}, wait_in_vain);
        } catch (const std::exception&) { // of whatever kind
        }
      }
    });
  });
  CHECK(seen.thrown == "disk full");
  CHECK(seen.tries == 3);
}

TEST_CASE("tries with two mirrors each inside a total deadline end with the total's timeout_error",
          "[with_scope]") {
  const test::no_thread_left check;
  const auto ask = [] { roost::with_scope({.name = "try", .timeout = 5min}, wait_in_vain); };
  const outcome seen = call([&](outcome& tries) {
    roost::with_scope({.name = "total", .timeout = 28min}, [&](roost::task_scope&) {
      for (;;) {
        try {
          ++tries.tries;
          (void)roost::when_any(ask, ask);
        } catch (const roost::exception_list& both) {
          for (const roost::failure& f : both.failures())
            tries.others_timeouts +=
                test::message_of(f.error) != "roost: the deadline of scope \"try\" passed";
        } catch (const roost::timeout_error&) {
          ++tries.others_timeouts;
        }
      }
    });
  });
  CHECK(seen.thrown == "timeout");
  CHECK(seen.whose == "total");
  CHECK(seen.others_timeouts == 0);
}

TEST_CASE("of two deadlines at the same moment the outer one is told", "[with_scope]") {
  const test::no_thread_left check;
  SECTION("of with_scopes") {
    const outcome seen = call([&](outcome& tries) {
      const auto moment = roost::clock::now() + 1h;
      roost::with_scope({.name = "total", .deadline = moment}, [&](roost::task_scope&) {
        retry(tries, [&] { roost::with_scope({.name = "try", .deadline = moment}, wait_in_vain); });
      });
    });
    CHECK(seen.whose == "total");
    CHECK(seen.others_timeouts == 0);
    CHECK(seen.tries == 1);
  }
  SECTION("where the inner scope is made after that moment") {
    const outcome seen = call([&](outcome& tries) {
      const auto moment = roost::clock::now() + 1h;
      roost::with_scope({.name = "total", .deadline = moment}, [&](roost::task_scope&) {
        test::let_pass(1h);
        retry(tries, [&] { roost::with_scope({.name = "try", .deadline = moment}, wait_in_vain); });
      });
    });
    CHECK(seen.whose == "total");
    CHECK(seen.tries == 1);
  }
}

TEST_CASE("tries in the block of a task_scope get its timeout_error once and then stopped",
          "[task_scope]") {
  const test::no_thread_left check;
  int tries = 0;
  int of_total = 0;
  std::string left_by;
  const auto body = [&] {
    roost::task_scope total({.name = "total", .timeout = 28min});
    left_by = test::thrown_by([&] {
      for (;;) {
        try {
          ++tries;
          roost::with_scope({.name = "try", .timeout = 5min}, wait_in_vain);
        } catch (const roost::timeout_error& e) {
          of_total += e.scope() == "total";
        }
      }
    });
    total.join();
  };
  test::bubble(
      [&] { CHECK(test::thrown_by(body) == "roost: the deadline of scope \"total\" passed"); });
  CHECK(left_by == "stopped");
  CHECK(of_total == 1);
}
