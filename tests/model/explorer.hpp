// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/model.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace model {

/// Where a run does not choose what comes first, and what it chooses there.
using schedule = std::vector<std::pair<std::size_t, std::size_t>>;

struct options {
  unsigned preemptions = 0; // 0: as the case says
  unsigned random_runs = 0; // likewise
  std::uint64_t seed = 1;
  double seconds = 30; // for the search of a case, and as many for its random runs
  bool searches = true;
  bool first_failure = false; // is all that is wanted
};

struct outcome {
  bool failed = false;
  bool unfinished = false; // and that is the failure: see limits::complete_within
  unsigned complete = 0;   // the search has run all orders with so many preemptions
  std::string failure;
  schedule order;
  unsigned long runs = 0;
  unsigned long searched = 0; // of those
  double seconds = 0;
};

/// Explores a case until it fails, in a process of its own; or runs it once, as it was run before.
outcome explore(const model_case& c, const options& o, const schedule* replayed, bool traces);

/// The same failure with less that is chosen, if there is such a one.
outcome shortest(const model_case& c, const options& o, outcome failed);

/// Numbers of the whole program, which each thread writes and none waits for: no places for a
/// search.
void leave_out(const void* address, std::size_t size) noexcept;

/// What must hold after each run, when no thread is left. See cases/idle.cpp.
void check_end_of_run();

} // namespace model
