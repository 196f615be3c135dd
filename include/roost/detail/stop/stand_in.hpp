// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/die.hpp>
#include <roost/detail/stop/block.hpp>

namespace roost::inline v0::detail {

/// A context that is in a domain's list for what runs on a thread, and on no thread's stack: by it
/// the domain finds the thread's slot.
class stand_in : public context {
 public:
  using context::context;

  [[noreturn]] void raise() override { die("not reached: it is on no thread's stack"); }
};

} // namespace roost::inline v0::detail
