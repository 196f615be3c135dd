// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <thread>

namespace roost::inline v0::detail {

namespace sync {

/// What start_thread() returns: joined when it goes.
using thread = std::jthread;

} // namespace sync

/// Runs `run(on)` on a new thread. All threads of roost start here: for each type of callable, what
/// std::jthread is made of would be compiled anew in each file that includes roost.
inline sync::thread start_thread(void (*run)(void* on), void* on) {
  return sync::thread([=] { run(on); }); // a lambda: with two arguments it is more to compile
}

} // namespace roost::inline v0::detail
