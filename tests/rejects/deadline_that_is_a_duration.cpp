// SPDX-License-Identifier: BSL-1.0
// expect: roost: this takes a point in time; a duration is for the form with _for, or for scope_options::timeout
#include <roost.hpp>

#include <chrono>

int main() {
  const roost::task_scope scope({.deadline = std::chrono::seconds(2)});
}
