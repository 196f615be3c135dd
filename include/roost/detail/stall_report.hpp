// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// What a report says of one task. Copied from the task while it cannot end.
struct running_task {
  std::string name;
  site spawned;
  clock::duration age{};
  const char* operation = ""; // empty: it runs
  std::array<char, 48> object{};
  site blocked_at;

  /// Copies, without allocating, what the thread is blocked in; null if the thread is yet to start.
  void look_at(thread_slot* thread) noexcept;
};

/// ROOST_STALL_MS from the environment, read once; nothing if it is not set or not a number.
std::optional<clock::duration> stall_from_environment();

/// Prints a line for each task to stderr, in one write.
void print_stall(std::string_view scope,
                 const std::vector<running_task>& tasks,
                 std::optional<clock::duration> since_stop);

// --- implementation ---------------------------------------------------------

inline void running_task::look_at(thread_slot* thread) noexcept {
  if (thread == nullptr)
    return;
  const std::lock_guard guard(thread->lock);
  operation = thread->call.operation;
  blocked_at = thread->call.where;
  const std::string_view name_of_object = thread->call.object.substr(0, object.size() - 1);
  std::copy(name_of_object.begin(), name_of_object.end(), object.begin());
}

inline std::optional<clock::duration> stall_from_environment() {
  static const std::optional<clock::duration> interval = []() -> std::optional<clock::duration> {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe unless the program changes its environment
    const char* const text = std::getenv("ROOST_STALL_MS");
    if (text == nullptr)
      return std::nullopt;
    const char* const end = text + std::strlen(text);
    unsigned milliseconds = 0;
    const auto [rest, error] = std::from_chars(text, end, milliseconds);
    if (error != std::errc() || rest != end)
      return std::nullopt;
    return std::chrono::milliseconds(std::max(milliseconds, 1U));
  }();
  return interval;
}

inline std::string in_seconds(clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3fs", std::chrono::duration<double>(time).count());
  return text.data();
}

inline std::string line_of(const site& where) {
  return std::string(where.file) + ":" + std::to_string(where.line);
}

inline void print_stall(std::string_view scope,
                        const std::vector<running_task>& tasks,
                        std::optional<clock::duration> since_stop) {
  std::string text;
  for (const running_task& t : tasks) {
    text += "roost: scope " + name_or_unnamed(scope) + " waits for task " + name_or_unnamed(t.name);
    text += ", spawned at " + line_of(t.spawned) + ", age " + in_seconds(t.age);
    text += since_stop ? ", asked to stop " + in_seconds(*since_stop) + " ago" : ", not stopped";
    if (*t.operation == '\0') {
      text += ": running\n";
      continue;
    }
    text += std::string(": in ") + t.operation;
    if (t.object[0] != '\0')
      text += " of " + name_or_unnamed(t.object.data());
    text += " at " + line_of(t.blocked_at) + "\n";
  }
  std::fputs(text.c_str(), stderr);
}

} // namespace roost::inline v0::detail
