// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/crew.hpp>
#include <roost/detail/timekeeper.hpp>

namespace roost::inline v0::detail {

/// What an outermost scope and all that is made inside it have in common: the threads of their
/// tasks, and one for their deadlines. It ends with the last of them, on a thread that is not of
/// the crew: who runs on one of those is in a task, and so in a scope that has not ended.
struct tree {
  timekeeper keeper;
  crew threads;
};

} // namespace roost::inline v0::detail
