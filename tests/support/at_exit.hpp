// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <utility>

namespace test {

/// Calls a function when its block is left, by whatever way.
template <class F>
class at_exit {
 public:
  explicit at_exit(F f) : f_(std::move(f)) {}
  at_exit(const at_exit&) = delete;
  at_exit& operator=(const at_exit&) = delete;
  ~at_exit() { f_(); }

 private:
  F f_;
};

} // namespace test
