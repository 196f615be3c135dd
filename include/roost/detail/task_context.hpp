// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

/// The context at the bottom of a task's thread, with what identifies the task.
class task_context : public context {
 public:
  task_context(stop_domain& scope, std::string_view name, site spawned)
      : context(scope),
        name_(name),
        spawned_(spawned) {}

  std::string_view name() const noexcept { return name_; }
  const site& spawned() const noexcept { return spawned_; }

  /// When it began to run; the clock's epoch if it has not.
  clock::time_point since() const noexcept {
    return since_.load(std::memory_order_relaxed); // relaxed: for reports
  }
  void begins() noexcept { since_.store(clock::now(), std::memory_order_relaxed); }

  /// Never used again, unlike an address.
  std::uint64_t id() const noexcept { return id_; }

  // It waits in its scope's line. Guarded by the scope's lock. Here, beside the links of the line.
  bool in_line = false;

  task_context* shown_task() noexcept override { return this; }
  [[noreturn]] void raise() override { throw make_stopped(domain().cause()); }

 private:
  // Each thread takes many at a time: what all count with, they seldom touch. One count in the
  // whole program, also where shared libraries hide their symbols: two tasks of one number would be
  // taken for one.
  [[gnu::visibility("default")]] static std::uint64_t next_id() noexcept {
    constexpr std::uint64_t many = 4096;
    static constinit std::atomic<std::uint64_t> taken{0};
    static constinit thread_local std::uint64_t last = 0;
    // relaxed: only the numbers differ, they order nothing
    if (last % many == 0)
      last = taken.fetch_add(many, std::memory_order_relaxed);
    return ++last;
  }

  std::string name_;
  site spawned_;
  std::atomic<clock::time_point> since_{clock::time_point()}; // written by the task's thread
  std::uint64_t id_ = next_id();
};

/// Where a scope is made that the calling thread makes.
inline birthplace birthplace_here() {
  if (this_thread.task == nullptr)
    return {};
  return {this_thread.task->domain().shared_from_this(), this_thread.task->id()};
}

/// True if the calling thread runs a task of `scope`, or runs inside such a task.
inline bool runs_inside(const stop_domain& scope) noexcept {
  const stop_domain* s = this_thread.task != nullptr ? &this_thread.task->domain() : nullptr;
  while (s != nullptr && s != &scope)
    s = s->made_in().scope.get();
  return s != nullptr;
}

/// True if the calling thread runs `task`, or runs inside it.
inline bool runs_inside(const task_context& task) noexcept {
  if (this_thread.task == nullptr)
    return false;
  std::uint64_t id = this_thread.task->id();
  const stop_domain* s = &this_thread.task->domain();
  for (; s != nullptr && id != task.id(); s = s->made_in().scope.get())
    id = s->made_in().task;
  return id == task.id();
}

} // namespace roost::inline v0::detail
