// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/channel_catalogue.hpp"
#include "bench/compare/task_catalogue.hpp"
#include "bench/compare/work.hpp"

#include <iterator>
#include <vector>

namespace bench {

/// All that roost and its peers are measured by, in the order of the tables.
inline std::vector<work> catalogue() {
  std::vector<work> all = channel_catalogue().build();
  std::vector<work> tasks = task_catalogue();
  std::move(tasks.begin(), tasks.end(), std::back_inserter(all));
  return all;
}

} // namespace bench
