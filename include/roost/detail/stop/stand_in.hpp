// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/die.hpp>
#include <roost/detail/stop/block.hpp>

namespace roost::inline v0::detail {

/// A context in a domain's list that stands for one on a thread's stack, and is itself on none: the
/// domain finds the thread's slot through it.
class stand_in : public context {
 public:
  using context::context;

  [[noreturn]] void raise() override { die("not reached: it is on no thread's stack"); }
};

} // namespace roost::inline v0::detail
