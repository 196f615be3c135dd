// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/stand_in.hpp>
#include <roost/detail/stop/task_context.hpp>

namespace roost::inline v0::detail {

/// A thread that runs tasks of a scope. Where others follow, under a limit, it is in the scope's
/// list in place of the one that it runs: then nothing of the list changes from one to the next,
/// and so nothing that other threads use.
class worker final : public stand_in {
 public:
  worker(stop_domain& scope, task& t) noexcept : stand_in(scope), runs(&t) {}

  task_context* shown_task() noexcept override { return runs; }
  bool is_listed() const noexcept { return linked(); }

  task* runs; // written under the scope's lock; null: none
};

} // namespace roost::inline v0::detail
