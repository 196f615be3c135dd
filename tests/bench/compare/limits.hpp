// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/work.hpp"

#include <string>
#include <vector>

namespace bench {

/// What this machine can do at best, measured in the same run: nothing that passes something from
/// one thread to another is faster than its cache lines.
inline std::vector<work> limit_works() {
  const auto limit = [](std::string name, std::string command, long count) {
    const std::string title = name.substr(name.find(' ') + 1);
    return work{"This machine's limits",
                std::move(name),
                {std::move(command), "#"},
                count,
                {{title, "time", {{}}}}};
  };
  return {
      limit("limit: cache line to the other core and back", "cache_line", 500'000),
      limit("limit: futex wake and the way back", "futex_wake", 10'000),
      limit("limit: start and join of a thread", "thread_creation", 2000),
  };
}

} // namespace bench
