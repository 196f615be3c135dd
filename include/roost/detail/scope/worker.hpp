// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/block_cache.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/stand_in.hpp>
#include <roost/detail/stop/task_context.hpp>

#include <cstdint>
#include <exception>
#include <string_view>

namespace roost::inline v0::detail {

class scope_state;

/// A thread while it runs tasks of one scope, one after another. It lies on that thread's stack,
/// and is in the scope's list in place of the task that it runs. From one task to the next the list
/// stays as it is, and so does the memory that other threads use with it.
///
/// It tells the scope what happens by four calls: started(), failed(), next(), left(). Beside them
/// it uses what needs no lock of the scope: id(), thread_started(), stop_requested(), blocks().
class worker final : public stand_in {
 public:
  ROOST_BODY worker(scope_state& scope, task& first) noexcept; // see scope_run.hpp

  task_context* shown_task() noexcept override { return runs; }

  /// Runs the first task, and then those that the scope gives it, until there is none. With
  /// `no_thread`, the first task is not called: it fails with that error. Afterwards the scope may
  /// be gone.
  void work(const std::exception_ptr& no_thread = nullptr) noexcept;

  /// The same on a thread that waits for the first task: its contexts are set aside meanwhile.
  void work_inside_wait() noexcept;

  /// The first part of that: runs the first task, and calls neither next() nor left(). The caller
  /// has set its contexts aside.
  void run_first() noexcept;

  /// Ends a task that never runs.
  static void complete_unrun(scope_state& scope, task& t, task::outcome outcome) noexcept;

  task* runs; // written under the scope's lock; null: none

  /// Its thread is one of the pool: afterwards it looks for its next job there, and does nothing in
  /// between.
  bool is_job = false;

 private:
  void run(task& t, bool dropped, const std::exception_ptr& no_thread = nullptr) noexcept;
  void run_others() noexcept;

  template <class F>
  static task::outcome call(scope_state& scope, task& t, F f) noexcept;
  static task::outcome failed(scope_state& scope, task& t, const stopped* as) noexcept;
  static task::outcome
  destroy_callable(scope_state& scope, task& t, task::outcome outcome) noexcept;

  scope_state& scope_;
  void (*thread_started_)(std::string_view task) = nullptr; // not called inside a wait
  block_cache::returns gone_; // empty when nothing of the scope runs here any more
};

} // namespace roost::inline v0::detail
