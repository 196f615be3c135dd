// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/stopwatch.hpp"

#include <cstddef>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

/// The crew of a peer whose users start threads themselves. A crew has start(f), which runs f() on
/// a thread; its end waits for all.
class plain_threads {
 public:
  template <class F>
  void start(F f) {
    threads_.emplace_back(std::move(f));
  }

 private:
  std::vector<std::jthread> threads_;
};

/// Calls `body(0)` to `body(threads - 1)`, each on a thread of its own. Returns the time from when
/// all begin, being there, until the last is done.
template <class Crew, class Body>
spent side_by_side(std::size_t threads, const Body& body) {
  const auto count = static_cast<std::ptrdiff_t>(threads);
  std::latch there(count);
  std::latch begin(1);
  std::latch done(count);
  Crew crew;
  for (std::size_t i = 0; i < threads; ++i) {
    crew.start([&, i] {
      there.count_down();
      begin.wait();
      body(i);
      done.count_down();
    });
  }
  there.wait();
  const stopwatch watch;
  begin.count_down();
  done.wait();
  return watch.read();
}

} // namespace bench
