// SPDX-License-Identifier: BSL-1.0
// What becomes of entries that a trace seldom has; here they are made up.
#include <roost.hpp>
#include <roost/detail/trace/timeline_maker.hpp>
#include <roost/detail/trace/trace_log.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

using namespace std::chrono_literals;
using roost::detail::actor;
using roost::detail::sighting;
using roost::detail::sighting_kind;
using roost::detail::timeline;
using roost::detail::timeline_maker;
using roost::detail::trace_entries;
using roost::detail::trace_entry;
using roost::detail::trace_lane;

namespace {

constexpr roost::clock::time_point start(1h);

/// Entries, a microsecond after each other.
class entries {
 public:
  entries& add(sighting s) {
    s.at = start + (1 + static_cast<int>(kept_.size())) * 1us;
    kept_.emplace_back(s);
    return *this;
  }
  timeline make() const {
    trace_entries all{start, start + 1ms, {}, 0};
    for (const trace_entry& e : kept_)
      all.all.push_back(&e);
    return timeline_maker(all, roost::report()).make();
  }

 private:
  std::deque<trace_entry> kept_;
};

const trace_lane& lane_of_task(const timeline& t, std::uint64_t task) {
  for (const trace_lane& lane : t.lanes) {
    if (lane.is_task && lane.number == task)
      return lane;
  }
  FAIL("it has no lane");
  return t.lanes.front();
}

constexpr actor main_thread{.thread = 100};
constexpr actor in_task_5{.task = 5, .thread = 101};

} // namespace

TEST_CASE("a task of which only the end is seen, by itself, has begun", "[trace]") {
  const timeline t =
      entries()
          .add({.kind = sighting_kind::sleep_begin, .operation = "join", .by = main_thread})
          .add({.kind = sighting_kind::task_end, .task = 5, .by = in_task_5})
          .add({.kind = sighting_kind::sleep_end,
                .wake = {.by = in_task_5, .at = start + 2us}, // its thread wakes the owner then
                .by = main_thread})
          .make();
  CHECK(lane_of_task(t, 5).has_begun);
}

TEST_CASE("a task of which only the end is seen, by another one, has not begun", "[trace]") {
  const timeline t =
      entries().add({.kind = sighting_kind::task_end, .task = 5, .by = main_thread}).make();
  CHECK_FALSE(lane_of_task(t, 5).has_begun);
}
