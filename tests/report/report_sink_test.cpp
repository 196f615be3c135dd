// SPDX-License-Identifier: BSL-1.0
// What becomes of a report that the sink cannot take.
#include <roost.hpp>
#include <roost/detail/report/stall_text.hpp>

#include "support/catch.hpp"
#include "support/told_texts.hpp"

#include <new>

TEST_CASE("a sink that has no memory for one report is given the next one", "[report]") {
  bool has_memory = false;
  const test::told_texts told([&] {
    if (!has_memory)
      throw std::bad_alloc();
  });
  const roost::task_scope scope;
  const auto domain = test::scope_probe::domain(scope);
  auto& its = const_cast<roost::detail::stop_domain&>(*domain);
  CHECK_FALSE(roost::detail::tell_standstill(its, roost::detail::standstill::was_asked_for));
  has_memory = true;
  CHECK(roost::detail::tell_standstill(its, roost::detail::standstill::was_asked_for));
  CHECK(told.all().size() == 2);
}
