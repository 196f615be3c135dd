// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/wait/short_wait.hpp>

#include "support/catch.hpp"

#include <vector>

// How a thread waits before it sleeps: on a processor that writes down what it is asked for.

namespace {

struct scripted_processor {
  static inline bool several = true;
  static inline bool offers_come_back = true;
  static inline int pauses = 0;
  static inline int offers = 0;
  static inline int left_out = 0;

  static void start(bool with_several) {
    several = with_several;
    offers_come_back = true;
    pauses = offers = left_out = 0;
  }

  static bool spinning_helps() noexcept { return several; }
  static void pause() noexcept { ++pauses; }
  static bool offer() noexcept {
    ++offers;
    return offers_come_back;
  }
  static int& offers_left_out() noexcept { return left_out; }
};

using scripted = scripted_processor;
using short_wait = roost::detail::basic_short_wait<scripted>;

struct look {
  int pauses;
  int offers;
};

// All looks of a wait for what never comes.
std::vector<look> looks_in_vain(short_wait& wait, int apart = 1) {
  std::vector<look> looks;
  const bool came = wait.until(
      [&] {
        looks.push_back({scripted::pauses, scripted::offers});
        return false;
      },
      apart);
  CHECK_FALSE(came);
  return looks;
}

} // namespace

TEST_CASE("a short wait looks after each pause at first and then at growing distances",
          "[short_wait]") {
  scripted::start(true);
  short_wait wait;
  const std::vector<look> looks = looks_in_vain(wait);
  REQUIRE(looks.size() > 16);
  int last = 0;
  int last_distance = 0;
  bool grows = true;
  for (const look& each : looks) {
    if (each.offers != 0)
      break;
    const int distance = each.pauses - last;
    grows = grows && distance >= last_distance && (each.pauses > 16 || distance == 1);
    last = each.pauses;
    last_distance = distance;
  }
  CHECK(grows);
  CHECK(last_distance > 16);
  CHECK(last >= 128);
  CHECK(last <= 192);
}

TEST_CASE("a short wait offers the processor only after its spin, and looks after each offer",
          "[short_wait]") {
  scripted::start(true);
  short_wait wait;
  const std::vector<look> looks = looks_in_vain(wait);
  int offered = 0;
  bool spun_before = true;
  for (const look& each : looks) {
    if (each.offers == 0)
      continue;
    spun_before = spun_before && each.pauses == scripted::pauses;
    CHECK(each.offers == ++offered);
  }
  CHECK(spun_before);
  CHECK(offered == 10);
}

TEST_CASE("on one processor a short wait does not spin", "[short_wait]") {
  scripted::start(false);
  short_wait wait;
  CHECK(looks_in_vain(wait).size() == 10);
  CHECK(scripted::pauses == 0);
  CHECK(scripted::offers == 10);
}

TEST_CASE("looks of a short wait can be further apart", "[short_wait]") {
  scripted::start(true);
  short_wait wait;
  int last = 0;
  for (const look& each : looks_in_vain(wait, 12)) {
    if (each.offers == 0)
      CHECK(each.pauses - last >= 12);
    last = each.pauses;
  }
}

TEST_CASE("a short wait ends as soon as it is ready and goes on where it was", "[short_wait]") {
  scripted::start(true);
  short_wait wait;
  CHECK(wait.until([] { return scripted::pauses == 3; }));
  CHECK(scripted::pauses == 3);
  (void)looks_in_vain(wait);
  const int spent = scripted::pauses;
  CHECK(spent <= 192);
  CHECK(looks_in_vain(wait).empty()); // its time is over
  CHECK(scripted::pauses == spent);
}

TEST_CASE("an offer that comes back late ends a short wait, and the next ones make none",
          "[short_wait]") {
  scripted::start(false);
  scripted::offers_come_back = false;
  short_wait first;
  CHECK(looks_in_vain(first).size() == 1);
  CHECK(scripted::offers == 1);
  scripted::offers_come_back = true;
  for (int i = 0; i < 50; ++i) {
    short_wait next;
    (void)looks_in_vain(next);
  }
  CHECK(scripted::offers == 1);
  short_wait later;
  (void)looks_in_vain(later);
  CHECK(scripted::offers == 11);
}
