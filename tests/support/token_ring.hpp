// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace test {

/// From the environment's ROOST_SEED, or new; printed, so that a failed run can be repeated.
inline std::uint64_t seed_of_program() {
  const char* const wanted = std::getenv("ROOST_SEED"); // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t seed = wanted != nullptr ? std::stoull(wanted) : std::random_device{}();
  std::printf("ROOST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

/// Keeps the processor for so long.
inline void compute_for(std::chrono::milliseconds time) {
  const auto end = roost::clock::now() + time;
  test::wait_until([&] { return roost::clock::now() > end; });
}

/// Tasks in a ring hand a token on, each up to so many times, through channels of random
/// capacities, with sleeps, nested scopes and permits in between. Without a token nothing can go
/// on.
class token_ring {
 public:
  static constexpr std::size_t for_ever = 1U << 20; // more hops than there are

  explicit token_ring(std::mt19937_64& random, std::size_t most_turns = 120) {
    const auto up_to = [&](std::size_t n) { return static_cast<std::size_t>(random() % (n + 1)); };
    members_.resize(2 + up_to(4));
    for (member& m : members_)
      m = {up_to(3), roost::make_channel<std::size_t>(up_to(2))};
    turns_ = 1 + up_to(most_turns - 1);
    permits_ = 1 + up_to(2);
  }

  /// The token is lost after that many hops; with 0 there is none. Returns once it has gone round,
  /// or the ring is closed; or throws what the scope throws.
  void run(roost::scope_options options, std::size_t hops) const {
    roost::semaphore permits(permits_);
    options.limit = members_.size();
    roost::task_scope scope(options);
    for (std::size_t i = 0; i < members_.size(); ++i)
      scope.spawn([this, i, &permits] { hand_on(i, permits); });
    if (hops != 0)
      (void)members_[0].in.tx.send(hops);
    scope.join();
  }

  /// How many there are.
  std::size_t hops() const { return members_.size() * turns_; }

  void close() const {
    for (const member& m : members_)
      m.in.tx.close();
  }

 private:
  struct member {
    std::size_t kind = 0;
    roost::channel_ends<std::size_t> in = roost::make_channel<std::size_t>(0);
  };

  void hand_on(std::size_t i, roost::semaphore& permits) const {
    using namespace std::chrono_literals;
    const bool is_last = i + 1 == members_.size();
    const member& next = members_[is_last ? 0 : i + 1];
    for (std::size_t turn = 0; turn < turns_; ++turn) {
      const auto token = members_[i].in.rx.receive();
      if (!token)
        return;
      if (members_[i].kind == 1)
        (void)permits.acquire();
      if (members_[i].kind == 2)
        roost::with_scope([&](roost::task_scope& inner) {
          inner.spawn([&] { compute_for(turn % 16 == 15 ? 2ms : 0ms); });
        });
      if (members_[i].kind == 3 && turn % 4 == 0)
        roost::this_task::sleep_for(turn % 16 == 8 ? 1ms : 100us);
      if (is_last && turn + 1 == turns_)
        return; // the token stays here
      if (*token > 1)
        (void)next.in.tx.send(*token - 1);
    }
  }

  std::vector<member> members_;
  std::size_t turns_;
  std::size_t permits_;
};

} // namespace test
