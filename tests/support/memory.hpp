// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <fstream>

namespace test {

/// The memory of this process that is in use, in KiB; 0 where the system does not tell.
inline std::ptrdiff_t resident_kib() {
  constexpr std::ptrdiff_t page_kib = 4;
  std::ptrdiff_t total = 0;
  std::ptrdiff_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * page_kib;
}

/// What it may grow by without cause, under AddressSanitizer, too. 100'000 waits that leave as much
/// as a node behind take twice that.
inline constexpr std::ptrdiff_t noise_kib = 4096;

/// By how much it grew since the construction.
class memory_growth {
 public:
  std::ptrdiff_t kib() const { return resident_kib() - start_; }

 private:
  std::ptrdiff_t start_ = resident_kib();
};

} // namespace test
