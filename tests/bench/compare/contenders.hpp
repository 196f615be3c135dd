// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <vector>

namespace bench {

/// roost, or a peer: a program that does the same works.
struct contender {
  std::string name;
  std::string title;
  std::string remedy; // what brings it where it is missing

  std::string program() const { return "bench_" + name; }
};

/// In the order of the tables' columns; roost is the first.
inline const std::vector<contender>& contenders() {
  static const std::vector<contender> all{
      {"roost", "roost", ""},
      {"std", "std", ""},
      {"tbb", "oneTBB", "apt-get install libtbb-dev"},
      {"fiber", "Boost.Fiber", "apt-get install libboost-fiber-dev"},
      {"moodycamel", "moodycamel", "apt-get install libconcurrentqueue-dev"},
      {"go", "Go", "apt-get install golang-go"},
      {"rust", "Rust", "apt-get install cargo librust-crossbeam-dev librust-rayon-dev"},
  };
  return all;
}

/// "oneTBB" of "tbb".
inline std::string title_of(const std::string& name) {
  for (const contender& each : contenders())
    if (each.name == name)
      return each.title;
  return name;
}

} // namespace bench
