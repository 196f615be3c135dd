// SPDX-License-Identifier: BSL-1.0
// Loaded by plugins.cpp at run time, and compiled with hidden symbols, as plugins are.
#include <roost.hpp>

#include <chrono>

using namespace std::chrono_literals;

extern "C" {

[[gnu::visibility("default")]] const void* plugin_thread_state() {
  return &roost::detail::this_thread;
}

[[gnu::visibility("default")]] void plugin_sleep() {
  roost::this_task::sleep_for(1h);
}

[[gnu::visibility("default")]] int plugin_sum(int count) {
  return roost::with_scope({.name = "plugin", .limit = 2}, [count](roost::task_scope& scope) {
    int sum = 0;
    for (int i = 0; i < count; ++i)
      sum += scope.spawn([i] { return i; }).get();
    return sum;
  });
}
}
