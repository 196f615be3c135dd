// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/site.hpp>

#include <array>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

namespace roost::inline v0::detail {

/// Tells a thread that waits for tasks when to report: once its patience is over after the stop,
/// then at doubled times; likewise while tasks are in line and none begins.
class stall_watch {
 public:
  static constexpr std::size_t no_line = static_cast<std::size_t>(-1);

  /// What is known of the tasks when it is asked.
  struct progress {
    clock::time_point stopped_at = no_deadline; // no_deadline if they are not
    std::size_t begun = no_line; // how many have begun so far; no_line if none is in line
  };

  /// ROOST_STALL_MS overrides `patience`, and then a wait without a stop is watched, too.
  explicit stall_watch(clock::duration patience);

  /// no_deadline if there is nothing to report yet.
  clock::time_point next(const progress& now) noexcept;

  /// Reports are made whatever the tasks do: they are to have stopped, or the environment wants it.
  bool reports_all() const noexcept { return start_ != line_stands_since_; }

  void reported(clock::time_point now) noexcept {
    patience_ = 2 * (now - start_ > patience_ ? now - start_ : patience_);
  }

 private:
  /// Read once; no_timeout if it is not set or not a number.
  static clock::duration from_environment();

  clock::duration patience_at_first_;
  clock::duration patience_{};
  clock::time_point start_ = no_deadline; // from when it is counted
  clock::time_point waiting_since_ = no_deadline;
  clock::time_point line_stands_since_ = no_deadline;
  std::size_t begun_ = no_line;
};

/// What a thread does: the blocking call, its object and its line, or "running".
std::string what_it_does(thread_slot* thread);

/// The line of a report about one task: which it is, and what it does.
std::string stall_line(std::string_view scope,
                       const task_context& task,
                       clock::time_point stopped_at,
                       const std::string& does);

// --- implementation ---------------------------------------------------------

inline stall_watch::stall_watch(clock::duration patience) : patience_at_first_(patience) {
  if (from_environment() != no_timeout) {
    patience_at_first_ = from_environment();
    waiting_since_ = sync::now();
  }
  patience_ = patience_at_first_;
}

inline clock::time_point stall_watch::next(const progress& now) noexcept {
  if (now.begun != begun_) {
    begun_ = now.begun;
    line_stands_since_ = begun_ != no_line ? sync::now() : no_deadline;
  }
  const clock::time_point start = now.stopped_at != no_deadline   ? now.stopped_at
                                  : waiting_since_ != no_deadline ? waiting_since_
                                                                  : line_stands_since_;
  if (start_ != start)
    patience_ = patience_at_first_; // it starts anew
  start_ = start;
  const bool never = start_ == no_deadline || patience_ > no_deadline - start_;
  return never ? no_deadline : start_ + patience_;
}

inline clock::duration stall_watch::from_environment() {
  static const clock::duration interval = []() -> clock::duration {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe unless the program changes its environment
    const char* const text = std::getenv("ROOST_STALL_MS");
    if (text == nullptr)
      return no_timeout;
    char* end = nullptr;
    const unsigned long long milliseconds = std::strtoull(text, &end, 10);
    // A sign and blanks, which it accepts, are not part of a number here.
    if (*text < '0' || *text > '9' || *end != '\0' || milliseconds > UINT_MAX)
      return no_timeout;
    return std::chrono::milliseconds(milliseconds != 0 ? milliseconds : 1);
  }();
  return interval;
}

inline std::string in_seconds(clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3fs", std::chrono::duration<double>(time).count());
  return text.data();
}

inline std::string what_it_does(thread_slot* thread) {
  if (thread == nullptr)
    return "running";
  blocked_call call;
  std::array<char, 48> object{}; // copied under the lock: afterwards the object may be gone
  {
    const std::lock_guard guard(thread->lock);
    call = thread->call;
    call.object.copy(object.data(), object.size() - 1);
  }
  if (*call.operation == '\0')
    return "running";
  std::string text = std::string("in ") + call.operation;
  if (object[0] != '\0')
    text += " of " + name_or_unnamed(object.data());
  return text + " at " + line_of(call.where);
}

inline std::string stall_line(std::string_view scope,
                              const task_context& task,
                              clock::time_point stopped_at,
                              const std::string& does) {
  const clock::time_point now = sync::now();
  std::string text = "roost: scope " + name_or_unnamed(scope) + " waits for task ";
  text += name_or_unnamed(task.name()) + ", spawned at " + line_of(task.spawned());
  if (task.since() != clock::time_point())
    text += ", age " + in_seconds(now - task.since());
  text += stopped_at != no_deadline ? ", asked to stop " + in_seconds(now - stopped_at) + " ago: "
                                    : std::string(", not stopped: ");
  return text + does + "\n";
}

} // namespace roost::inline v0::detail
