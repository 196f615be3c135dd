// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/testing/run_seed.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

using roost::detail::choice_by;
using roost::detail::run_seed;
using roost::detail::run_seed_from;

namespace {

std::string refusal(const std::string& text) {
  try {
    (void)run_seed_from(text);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "taken";
}

bool refuses(const std::string& text, const std::string& words) {
  INFO(refusal(text));
  const bool has_words = refusal(text).find(words) != std::string::npos;
  CHECK(has_words);
  return has_words;
}

} // namespace

TEST_CASE("the text of a seed says all that is in it", "[testing]") {
  const auto text = GENERATE(as<std::string>{},
                             "walk-0",
                             "walk-ffffffff",
                             "urw-1f00d-40.3x12",
                             "urw-1-",
                             "surw-1f00d-2.8.3x4.0",
                             "pct3-1f00d-76",
                             "turn-2",
                             "path-0.3x1.0.100000x7",
                             "path-0.3x1.0-1f00d",
                             "path-");
  CHECK(to_text(run_seed_from(text)) == text);
}

TEST_CASE("a seed is read from its text", "[testing]") {
  const run_seed weighted = run_seed_from("surw-1f00d-2.8.3x4");
  CHECK(weighted.by == choice_by::work_left_at_object);
  CHECK(weighted.number == 0x1f00d);
  CHECK(weighted.object == 2);
  CHECK(weighted.numbers == std::vector<std::uint32_t>{8, 4, 4, 4});

  const run_seed priorities = run_seed_from("pct3-a-76");
  CHECK(priorities.by == choice_by::priority);
  CHECK(priorities.depth == 3);
  CHECK(priorities.number == 10);
  CHECK(priorities.length == 76);
}

TEST_CASE("what is no seed is refused with what is missing", "[testing]") {
  refuses("", "walk-, urw-, surw-, pct, turn- or path-");
  refuses("dance-1", "after \"\" must come walk-, urw-");
  refuses("walk-", "after \"walk-\" must come a hexadecimal number");
  refuses("walk-g", "after \"walk-\" must come a hexadecimal number");
  refuses("walk-1 ", "after \"walk-1\" must come nothing");
  refuses("walk-100000000", "a smaller number");
  refuses("urw-1f00d", "after \"urw-1f00d\" must come a dash");
  refuses("urw-1-4..5", "after \"urw-1-4.\" must come a number");
  refuses("urw-1-4,5", "after \"urw-1-4\" must come a dot");
  refuses("urw-1-3x", "after \"urw-1-3x\" must come a number");
  refuses("surw-1f00d-", "the number of an object");
  refuses("pct0-1-7", "a number from 1 to 99");
  refuses("pct100-1-7", "a number from 1 to 99");
  refuses("pct3-1f00d", "after \"pct3-1f00d\" must come a dash");
  refuses("pct3-1f00d-", "how many steps a run takes");
  refuses("path-2000000x1", "a smaller number");
  refuses("pct3-1f00d-7 ", "roost: \"pct3-1f00d-7 \" is no seed of a run");
}
