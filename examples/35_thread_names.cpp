// SPDX-License-Identifier: BSL-1.0
// Names threads after the tasks that they run, for top, gdb, perf and crash reports. Notice that
// scopes inside need not say it again, and that a thread gets a new name with each task.
#include <roost.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace {

#if defined(__linux__)
void name_thread(std::string_view task) {
  std::array<char, 16> name{}; // all that Linux keeps of one, with the zero at the end
  std::copy_n(task.data(), std::min(task.size(), name.size() - 1), name.data());
  pthread_setname_np(pthread_self(), name.data());
}

std::string thread_name() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}
#else // what other systems have for it differs
thread_local std::string thread_is_called;
void name_thread(std::string_view task) {
  thread_is_called = task.substr(0, 15);
}
std::string thread_name() {
  return thread_is_called;
}
#endif

} // namespace

int main() {
  roost::task_scope scope({.name = "app", .thread_started = &name_thread});
  auto parser = scope.spawn("parser", [] { return thread_name(); });
  std::cout << parser.get() << '\n';
  auto indexer = scope.spawn("indexer", [] {
    roost::task_scope shards({.name = "shards"});
    return shards.spawn("shard of all that begins with a", [] { return thread_name(); }).get();
  });
  std::cout << indexer.get() << '\n';
}

// Output:
//   parser
//   shard of all th
