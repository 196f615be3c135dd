// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/catch.hpp"
#include "support/threads.hpp"

#include <cstddef>

namespace test {

/// Checks, at the end of the block, that there are no more threads than at its start. The first
/// local of a test, so that it is the last to go.
class no_thread_left {
 public:
  no_thread_left() = default;
  no_thread_left(const no_thread_left&) = delete;
  no_thread_left& operator=(const no_thread_left&) = delete;
  ~no_thread_left() { CHECK(threads_back_to(before_)); }

 private:
  std::size_t before_ = count_threads();
};

} // namespace test
