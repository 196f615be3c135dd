// SPDX-License-Identifier: BSL-1.0
// Uploads, two at a time, and the first error ends them all: for this Go has errgroup. Notice that
// the scope throws that error, unchanged, and that all other tasks are over by then: the stop has
// woken the tasks that ran, and the queued tasks never began.
#include <roost.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

void upload(const std::string& file) {
  if (file == "missing.txt")
    throw std::runtime_error("no such file: " + file);
  if (file == "huge.iso")
    roost::this_task::sleep_for(1h); // the slow server
}

std::string outcome_of(roost::task_handle<void>& task) {
  try {
    task.get();
    return "done";
  } catch (const std::exception&) {
    return "failed";
  } catch (const roost::stopped& s) {
    return "stopped, because of \"" + s.cause().message + "\"";
  }
}

} // namespace

int main() {
  std::vector<std::pair<std::string, roost::task_handle<void>>> uploads;
  try {
    roost::task_scope scope({.name = "uploads", .limit = 2});
    for (const char* file : {"huge.iso", "small.txt", "missing.txt", "last.txt"})
      uploads.emplace_back(file, scope.spawn(file, [file] { upload(file); }));
    scope.join();
  } catch (const std::runtime_error& e) {
    std::cout << "error: " << e.what() << '\n';
  }
  for (auto& [file, task] : uploads) // a handle may outlive the scope
    std::cout << file << ": " << outcome_of(task) << '\n';
}

// Output:
//   error: no such file: missing.txt
//   huge.iso: stopped, because of "no such file: missing.txt"
//   small.txt: done
//   missing.txt: failed
//   last.txt: stopped, because of "no such file: missing.txt"
