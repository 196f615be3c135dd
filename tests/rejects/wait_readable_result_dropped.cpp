// SPDX-License-Identifier: BSL-1.0
// expect: ignoring return value
#include <roost.hpp>
#include <roost/posix.hpp>

#include <chrono>

void f(int fd) {
  roost::wait_readable_for(fd, std::chrono::seconds(1));
}
