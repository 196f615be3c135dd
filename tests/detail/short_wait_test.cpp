// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/wait/short_wait.hpp>

#include "support/catch.hpp"

#include <vector>

// How a thread waits before it sleeps: on a processor that writes down what it is asked for.

namespace {

using roost::detail::offer_end;

struct scripted_processor {
  static inline bool several = true;
  static inline offer_end offers_end = offer_end::at_once;
  static inline int pauses = 0;
  static inline int offers = 0;
  static inline roost::detail::wait_history learned;

  static void start(bool with_several) {
    several = with_several;
    offers_end = offer_end::at_once;
    pauses = offers = 0;
    learned = {};
  }

  static bool spinning_helps() noexcept { return several; }
  static void pause() noexcept { ++pauses; }
  static offer_end offer() noexcept {
    ++offers;
    return offers_end;
  }
  static roost::detail::wait_history& history() noexcept { return learned; }
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

// What one wait has cost.
struct spent {
  bool came;
  int pauses;
  int offers;
};

enum class by { looking, being_called };

// A wait for what is there after so many offers.
spent wait_for_offers(int count, by how = by::looking) {
  const int pauses = scripted::pauses;
  const int offers = scripted::offers;
  short_wait wait;
  const auto ready = [&] { return scripted::offers >= offers + count; };
  const bool came = how == by::looking ? wait.until(ready) : wait.until_called(ready);
  return {came, scripted::pauses - pauses, scripted::offers - offers};
}

// How many waits in a row begin with offers, if each finds at the first what it waits for.
int waits_with_offers_first(by how) {
  int waits = 0;
  for (spent each = wait_for_offers(1, how); each.came && each.pauses == 0;
       each = wait_for_offers(1, how))
    ++waits;
  return waits;
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

TEST_CASE("after a spin in vain and an offer that helped the next waits begin with offers",
          "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::soon;
  const spent first = wait_for_offers(1);
  CHECK(first.came);
  CHECK(first.pauses >= 128);
  for (int i = 0; i < 10; ++i) {
    const spent next = wait_for_offers(3);
    CHECK(next.came);
    CHECK(next.pauses == 0);
    CHECK(next.offers == 3);
  }
}

TEST_CASE("a wait that begins with offers does not spin after them", "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::soon;
  (void)wait_for_offers(1);
  const spent in_vain = wait_for_offers(100);
  CHECK_FALSE(in_vain.came);
  CHECK(in_vain.pauses == 0);
  CHECK(in_vain.offers == 10);
}

TEST_CASE("the last wait that begins with offers sleeps at once, and the next one spins",
          "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::soon;
  (void)wait_for_offers(1);
  int waits = 0;
  spent each = wait_for_offers(1);
  for (; each.came && waits < 100; each = wait_for_offers(1))
    ++waits;
  CHECK(waits >= 16);
  CHECK(waits < 100);
  CHECK(each.pauses == 0);
  CHECK(each.offers == 0);
  CHECK(wait_for_offers(1).pauses >= 128);
}

TEST_CASE("an offer that comes back at once lets a short wait spin", "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::soon;
  (void)wait_for_offers(1);
  scripted::offers_end = offer_end::at_once;
  const spent next = wait_for_offers(2);
  CHECK(next.came);
  CHECK(next.pauses >= 128); // between the first offer and the second
  CHECK(wait_for_offers(1).pauses >= 128);
}

TEST_CASE("an offer that helped after a long time counts for a waiter that is called",
          "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::longer;
  (void)wait_for_offers(1, by::looking);
  CHECK(waits_with_offers_first(by::looking) == 0);
  (void)wait_for_offers(1, by::being_called);
  CHECK(waits_with_offers_first(by::being_called) > 0);
}

TEST_CASE("a thread that looks by itself offers no more after an offer that took long",
          "[short_wait]") {
  scripted::start(true);
  scripted::offers_end = offer_end::longer;
  CHECK(wait_for_offers(100, by::looking).offers == 1);
  CHECK(wait_for_offers(1, by::looking).came); // it looks once more
  CHECK(wait_for_offers(100, by::being_called).offers == 10);
  scripted::start(false);
  scripted::offers_end = offer_end::longer; // with one processor its peers cannot run before
  CHECK(wait_for_offers(100, by::looking).offers == 10);
}

TEST_CASE("on one processor no short wait sleeps for the sake of another one", "[short_wait]") {
  scripted::start(false);
  scripted::offers_end = offer_end::soon;
  for (int i = 0; i < 100; ++i)
    CHECK(wait_for_offers(1).came);
}

TEST_CASE("an offer that comes back late ends a short wait, and the next ones make none",
          "[short_wait]") {
  scripted::start(false);
  scripted::offers_end = offer_end::late;
  CHECK(wait_for_offers(100).offers == 1);
  scripted::offers_end = offer_end::at_once;
  for (int i = 0; i < 10; ++i)
    CHECK(wait_for_offers(100).offers == 0);
  CHECK(wait_for_offers(100).offers == 10);
}

TEST_CASE("offers are left out twice as often each time that they are late again", "[short_wait]") {
  scripted::start(false);
  scripted::offers_end = offer_end::late;
  const auto waits_without = [] {
    int waits = 0;
    while (wait_for_offers(100).offers == 0)
      ++waits;
    return waits;
  };
  (void)waits_without();
  const int first = waits_without();
  const int second = waits_without();
  CHECK(first > 0);
  CHECK(second == 2 * first);
  for (int i = 0; i < 10; ++i)
    (void)waits_without();
  CHECK(waits_without() == 32 * first); // not without end
  scripted::offers_end = offer_end::soon;
  (void)waits_without();
  CHECK(waits_without() == 0);
  scripted::offers_end = offer_end::late;
  (void)waits_without();
  CHECK(waits_without() == first);
}
