// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What a trace shows. All its forms are made of it.

namespace roost::inline v0::detail {

inline constexpr std::size_t no_lane = static_cast<std::size_t>(-1);

/// A part of a lane in which nothing is done: a sleep in a wait, or a call that is not roost's.
struct trace_wait {
  clock::time_point begin;
  clock::time_point end;
  bool is_open = false;    // it still lasted in the end
  bool is_foreign = false; // a blocking_region
  bool is_older = false;   // than the trace: it began before
  std::string operation;
  std::string object;
  site where;
  wait_state how = wait_state::waiting;
  std::size_t waker = no_lane;
  clock::time_point woken_at; // where there is a waker
};

/// A task, or a thread that runs none.
struct trace_lane {
  bool is_task = false;
  bool keeps_time = false;
  std::uint64_t number = 0; // of the task or the thread
  std::uint64_t thread = 0; // where the task runs; 0 if it has not begun
  std::string name;
  site spawned;
  std::uint64_t scope = 0;
  std::size_t spawner = no_lane;
  clock::time_point spawned_at; // where there is a spawner
  clock::time_point begin;
  clock::time_point end;
  bool has_begun = false;
  bool is_open = true;     // it still was there in the end
  bool is_refused = false; // there was no such task after all
  task::outcome how = task::outcome::none;
  std::vector<trace_wait> waits; // as they began; each ends before the next one or lies around it

  /// "#7 parse", "thread 4242".
  std::string title() const;
};

struct trace_scope {
  std::uint64_t id = 0;
  std::string name;
  site where;
  std::size_t owner = no_lane;
  clock::time_point begin;
  clock::time_point end;
  bool is_open = true;
};

/// A stop, or a failure.
struct trace_mark {
  clock::time_point at;
  bool is_failure = false;
  std::size_t lane = no_lane;  // where it was done
  std::size_t task = no_lane;  // that it is about, if it is about one
  std::size_t scope = no_lane; // that it is about, or in which the task is
  stop_reason reason = stop_reason::none;
  std::string message;
  site where;
};

struct timeline {
  clock::time_point begin;
  clock::time_point end;
  std::uint64_t dropped = 0;
  std::size_t entries = 0;
  std::vector<trace_lane> lanes;  // in the order in which they are met
  std::vector<std::size_t> order; // of the lanes: each is followed by those that it has spawned
  std::vector<trace_scope> scopes;
  std::vector<trace_mark> marks;
};

/// "finished", "failed", "stopped"; "still there" if it has not ended.
std::string_view word_for(task::outcome how) noexcept;

/// "done", "closed", "stopped", "timed out"; "still waits".
std::string_view word_for(wait_state how) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::string_view word_for(task::outcome how) noexcept {
  switch (how) {
  case task::outcome::value:
    return "finished";
  case task::outcome::failed:
    return "failed";
  case task::outcome::stopped:
    return "stopped";
  case task::outcome::none:
    break;
  }
  return "still there";
}

ROOST_COLD_BODY std::string_view word_for(wait_state how) noexcept {
  switch (how) {
  case wait_state::done:
    return "done";
  case wait_state::closed:
    return "closed";
  case wait_state::stopped:
    return "stopped";
  case wait_state::timed_out:
    return "timed out";
  case wait_state::waiting:
  case wait_state::claimed:
    break;
  }
  return "still waits";
}

ROOST_COLD_BODY std::string trace_lane::title() const {
  if (!is_task)
    return joined({keeps_time ? "timekeeper " : "thread ", number});
  return joined({"#", number, name.empty() ? "" : " ", in_one_line(name)});
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
