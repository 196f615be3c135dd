// SPDX-License-Identifier: BSL-1.0
// A plugin that uses roost, in a program that does: run with the plugin's file. Stops of the
// program reach the waits of the plugin, because both have one state of each thread.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/probe.hpp"

#include <cstdio>
#include <dlfcn.h>

using test::expect;

namespace {

template <class Function>
Function* symbol(void* plugin, const char* name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how it is done
  return reinterpret_cast<Function*>(::dlsym(plugin, name));
}

void use(void* plugin) {
  auto* const state = symbol<const void*()>(plugin, "plugin_thread_state");
  auto* const sleep = symbol<void()>(plugin, "plugin_sleep");
  auto* const sum = symbol<int(int)>(plugin, "plugin_sum");

  const bool one_state = state() == &roost::detail::this_thread;
  expect(one_state, "program and plugin have one state of this thread");
  if (!one_state)
    return; // the rest would wait for an hour

  roost::task_scope scope;
  bool stopped = false;
  scope.spawn("sleeps", [&] {
    try {
      sleep();
    } catch (const roost::stopped& s) {
      stopped = s.cause().message == "enough";
      throw;
    }
  });
  test::wait_until_blocked(scope, 1);
  expect(scope.spawn([&] { return sum(10); }).get() == 45, "a scope of the plugin in a task");
  scope.request_stop("enough");
  scope.join();
  expect(stopped, "a stop of the program ends a wait of the plugin");
}

} // namespace

int main(int argc, char** argv) {
  void* const plugin = argc == 2 ? ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (plugin == nullptr) {
    std::printf("no plugin: %s\n", argc == 2 ? ::dlerror() : "run with its file");
    return 1;
  }
  use(plugin);
  return test::exit_code();
}
