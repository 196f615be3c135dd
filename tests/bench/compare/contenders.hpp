// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace bench {

/// roost, an older build of it, or a peer: a program that does the same works, or a tool to compare
/// an example with.
struct contender {
  /// Tasks of some peers are threads, or run on a pool of threads; those of others are fibers,
  /// which one thread switches between.
  enum class kind { roost, thread_peer, fiber_peer, tool };

  std::string name;
  std::string title;
  kind what = kind::thread_peer;
  std::string remedy = {}; // what brings it where it is missing

  std::string program() const { return "bench_" + name; }
};

/// In the order of the tables' columns; roost is the first. `before` is for developers of roost: an
/// older build of its program, which takes part where it is found, and is no peer.
inline const std::vector<contender>& contenders() {
  using kind = contender::kind;
  static const std::vector<contender> all{
      {"roost", "roost", kind::roost},
      {"before", "before", kind::roost},
      {"std", "std", kind::thread_peer},
      {"epoll", "epoll", kind::thread_peer},
      {"tbb", "oneTBB", kind::thread_peer, "apt-get install libtbb-dev"},
      {"fiber", "Boost.Fiber", kind::fiber_peer, "apt-get install libboost-fiber-dev"},
      {"moodycamel", "moodycamel", kind::thread_peer, "apt-get install libconcurrentqueue-dev"},
      {"go", "Go", kind::fiber_peer, "apt-get install golang-go"},
      {"rust",
       "Rust",
       kind::thread_peer,
       "apt-get install cargo librust-crossbeam-dev librust-rayon-dev"},
      {"grep", "GNU grep", kind::tool, "apt-get install grep"},
      {"rg", "ripgrep", kind::tool, "apt-get install ripgrep"},
  };
  return all;
}

inline bool is_a(contender::kind what, const std::string& name) {
  const std::vector<contender>& all = contenders();
  return std::any_of(all.begin(), all.end(), [&](const contender& each) {
    return each.name == name && each.what == what;
  });
}

inline bool is_thread_peer(const std::string& name) {
  return is_a(contender::kind::thread_peer, name);
}
inline bool is_tool(const std::string& name) {
  return is_a(contender::kind::tool, name);
}
inline bool is_peer(const std::string& name) {
  return is_thread_peer(name) || is_a(contender::kind::fiber_peer, name) || is_tool(name);
}

/// "oneTBB" of "tbb".
inline std::string title_of(const std::string& name) {
  for (const contender& each : contenders())
    if (each.name == name)
      return each.title;
  return name;
}

} // namespace bench
