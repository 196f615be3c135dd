// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/all_ways.hpp"
#include "support/catch.hpp"
#include "support/channel_forms.hpp"

#include <cstddef>
#include <string>
#include <utility>

// Items, callables and results whose unary operator& is deleted, or gives something else.

namespace {

struct unaddressed {
  int number = 0;
  void operator&() const = delete;
};

struct misleading {
  int number = 0;
  std::nullptr_t operator&() const { return nullptr; }
};

struct boxed_unaddressed {
  int number = 0;
  std::string text = "in a box";
  void operator&() const = delete;
};

struct boxed_misleading {
  int number = 0;
  std::string text = "in a box";
  std::nullptr_t operator&() const { return nullptr; }
};

struct unassignable {
  const int number = 0;
  std::string text = "in a box";
  void operator&() const = delete;
};

struct no_address {
  void operator&() const = delete;
};

} // namespace

TEMPLATE_TEST_CASE("items with an operator& of their own go every way",
                   "[channel]",
                   unaddressed,
                   misleading,
                   boxed_unaddressed,
                   boxed_misleading) {
  test::check_all_ways<TestType, test::calls<TestType, no_address>>();
}

TEST_CASE("an item without an address and without assignment is given back", "[channel]") {
  auto [tx, rx] = roost::make_channel<unassignable>(1);
  REQUIRE(tx.send(unassignable{1}));
  unassignable item{2};
  CHECK_FALSE(test::try_send_from(tx, item));
  CHECK(item.number == 2);
  CHECK(item.text == "in a box");
  CHECK(rx.receive()->number == 1);
}
