// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/stop.hpp>

namespace test {

enum class seen { neither, returned, stopped };

/// Calls a blocking operation and tells whether a stop ended it. The task goes on.
template <class Operation>
seen outcome_of(Operation operation) {
  try {
    operation();
    return seen::returned;
  } catch (const roost::stopped&) {
    return seen::stopped;
  }
}

} // namespace test
