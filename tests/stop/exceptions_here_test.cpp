// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/stop/exceptions_here.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"

#include <exception>
#include <stdexcept>

using roost::detail::exceptions_here;

namespace {

int by_the_standard() {
  return std::uncaught_exceptions() + (std::current_exception() ? 1 : 0);
}

} // namespace

TEST_CASE("exceptions in flight and in handlers are counted as the standard counts them",
          "[exceptions_here]") {
  CHECK(exceptions_here() == 0);
  int in_flight = -1;
  int in_handler = -1;
  int in_flight_in_handler = -1;
  int wrong = 0;
  const auto count = [&] {
    wrong += exceptions_here() != by_the_standard();
    return exceptions_here();
  };
  try {
    const test::at_exit leave([&] {
      in_flight = count();
      try { // while the first one is in flight
        const test::at_exit leave_inner([&] { wrong += count() != 2; });
        throw 1;
      } catch (int) {
        wrong += count() != 2;
      }
      wrong += count() != 1;
    });
    throw std::runtime_error("planned");
  } catch (const std::runtime_error&) {
    in_handler = count();
    try {
      const test::at_exit leave([&] { in_flight_in_handler = count(); });
      throw;
    } catch (...) {
      wrong += count() != 1;
    }
  }
  CHECK(in_flight == 1);
  CHECK(in_handler == 1);
  CHECK(in_flight_in_handler == by_the_standard() + 2);
  CHECK(exceptions_here() == 0);
  CHECK(wrong == 0);
}
