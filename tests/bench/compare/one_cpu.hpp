// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <sched.h>
#include <system_error>

namespace bench {

/// While it lives, this thread and the programs that it starts stay on one of the CPUs it may use.
class one_cpu {
 public:
  one_cpu() {
    if (::sched_getaffinity(0, sizeof before_, &before_) != 0)
      throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
    std::size_t first = 0;
    while (!CPU_ISSET(first, &before_))
      ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0)
      throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }

  one_cpu(const one_cpu&) = delete;
  one_cpu& operator=(const one_cpu&) = delete;

  ~one_cpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_{};
};

} // namespace bench
