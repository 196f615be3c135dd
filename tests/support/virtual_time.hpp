// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/testing.hpp>

// For tests about timeouts and deadlines: in a bubble an hour passes at once, and nothing depends
// on how fast the machine is.

namespace test {

using roost::testing::bubble;

/// Lets time pass, whatever stops the calling thread meanwhile.
inline void let_pass(roost::clock::duration time) {
  const roost::shield from_stops(roost::clock::duration::max());
  roost::this_task::sleep_for(time);
}

/// How long a call takes.
template <class F>
roost::clock::duration time_of(F call) {
  const auto start = roost::clock::now();
  call();
  return roost::clock::now() - start;
}

} // namespace test
