// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/scope/task.hpp>
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
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// Tells a thread that waits for tasks when to report: once its patience is over after the stop,
/// then at doubled times; likewise while tasks are queued and none begins.
class stall_watch {
 public:
  static constexpr std::size_t no_queue = static_cast<std::size_t>(-1);

  /// What is known of the tasks when it is asked.
  struct progress {
    clock::time_point stopped_at = no_deadline; // no_deadline if they are not
    std::size_t begun = no_queue; // how many have begun so far; no_queue if none is queued
  };

  /// ROOST_STALL_MS overrides `patience`, and then a wait without a stop is watched, too.
  explicit stall_watch(clock::duration patience);

  /// no_deadline if there is nothing to report yet.
  clock::time_point next(const progress& now) noexcept;

  /// Reports are made whatever the tasks do: they are to have stopped, or the environment wants it.
  bool reports_all() const noexcept { return start_ != queue_stands_since_; }

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
  clock::time_point queue_stands_since_ = no_deadline;
  std::size_t begun_ = no_queue;
};

/// What some tasks of a scope do. It is filled under the scope's lock, without an allocation, and
/// printed without a lock. It keeps the tasks.
class stall_report {
 public:
  explicit stall_report(std::string_view scope) noexcept : scope_(scope) {}
  ~stall_report();
  stall_report(const stall_report&) = delete;
  stall_report& operator=(const stall_report&) = delete;

  /// Makes room for so many tasks. Those beyond that are counted. No lock is held.
  void reserve(std::size_t count) noexcept;

  /// A task that runs, or for which a thread is on its way: null then.
  void add(task& t, thread_slot* thread) noexcept;
  void add_queued(task& t) noexcept;

  /// A line for each task to stderr; none if there is no memory for them this time.
  void print() const noexcept;

  clock::time_point stopped_at = no_deadline; // the scope's

 private:
  struct entry {
    task* about;
    bool is_queued;
    blocked_call call;             // no operation: it runs
    std::array<char, 48> object{}; // its name: when it is printed the object may be gone
  };

  void add(task& t, const blocked_call& call, bool is_queued) noexcept;
  std::string line(const entry& e, clock::time_point now) const;

  static constexpr std::size_t most_queued = 4;

  const std::string_view scope_;
  std::vector<entry> entries_;
  std::size_t queued_ = 0;       // of the entries
  std::size_t more_running_ = 0; // are counted only
  std::size_t more_queued_ = 0;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY stall_watch::stall_watch(clock::duration patience) : patience_at_first_(patience) {
  if (from_environment() != no_timeout) {
    patience_at_first_ = from_environment();
    waiting_since_ = sync::now();
  }
  patience_ = patience_at_first_;
}

ROOST_BODY clock::time_point stall_watch::next(const progress& now) noexcept {
  if (now.begun != begun_) {
    begun_ = now.begun;
    queue_stands_since_ = begun_ != no_queue ? sync::now() : no_deadline;
  }
  const clock::time_point start = now.stopped_at != no_deadline   ? now.stopped_at
                                  : waiting_since_ != no_deadline ? waiting_since_
                                                                  : queue_stands_since_;
  if (start_ != start)
    patience_ = patience_at_first_; // it starts anew
  start_ = start;
  const bool never = start_ == no_deadline || patience_ > no_deadline - start_;
  return never ? no_deadline : start_ + patience_;
}

ROOST_BODY clock::duration stall_watch::from_environment() {
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

ROOST_BODY std::string in_seconds(clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3fs", std::chrono::duration<double>(time).count());
  return text.data();
}

ROOST_BODY stall_report::~stall_report() {
  for (const entry& e : entries_)
    e.about->release();
}

ROOST_BODY void stall_report::reserve(std::size_t count) noexcept {
  try {
    entries_.reserve(count + most_queued);
  } catch (const std::bad_alloc&) { // then all are counted
  }
}

ROOST_BODY void stall_report::add(task& t, thread_slot* thread) noexcept {
  if (thread == nullptr)
    return add(t, blocked_call(), false);
  const std::lock_guard guard(thread->lock);
  add(t, thread->call, false);
}

ROOST_BODY void stall_report::add_queued(task& t) noexcept {
  if (queued_ == most_queued) {
    ++more_queued_;
    return;
  }
  add(t, blocked_call(), true);
}

ROOST_BODY void stall_report::add(task& t, const blocked_call& call, bool is_queued) noexcept {
  if (entries_.size() == entries_.capacity()) {
    ++(is_queued ? more_queued_ : more_running_);
    return;
  }
  t.retain();
  queued_ += is_queued ? 1 : 0;
  entries_.push_back({&t, is_queued, call, {}});
  entry& added = entries_.back();
  call.object.copy(added.object.data(), added.object.size() - 1);
}

ROOST_BODY void stall_report::print() const noexcept {
  const clock::time_point now = sync::now();
  try {
    std::string text;
    for (const entry& e : entries_)
      text += line(e, now);
    if (more_running_ != 0)
      text += "roost: and for " + std::to_string(more_running_) + " more that run\n";
    if (more_queued_ != 0)
      text += "roost: and for " + std::to_string(more_queued_) + " more that are queued\n";
    std::fputs(text.c_str(), stderr);
  } catch (const std::bad_alloc&) {
  }
}

ROOST_BODY std::string stall_report::line(const entry& e, clock::time_point now) const {
  const task& t = *e.about;
  std::string text = "roost: scope " + name_or_unnamed(scope_) + " waits for task ";
  text += name_or_unnamed(t.name()) + ", spawned at " + line_of(t.spawned());
  if (t.since() != clock::time_point())
    text += ", age " + in_seconds(now - t.since());
  text += stopped_at != no_deadline ? ", asked to stop " + in_seconds(now - stopped_at) + " ago: "
                                    : std::string(", not stopped: ");
  if (e.is_queued)
    return text + "queued until one of those ends\n";
  if (*e.call.operation == '\0')
    return text + "running\n";
  text += std::string("in ") + e.call.operation;
  if (e.object[0] != '\0')
    text += " of " + name_or_unnamed(e.object.data());
  return text + " at " + line_of(e.call.where) + "\n";
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
