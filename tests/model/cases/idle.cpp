// SPDX-License-Identifier: BSL-1.0

// What lasts from run to run: the parkers. They are made before the first run, and are in the same
// order before each.

#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/tally.hpp>

#include "model/explorer.hpp"
#include "model/world.hpp"

#include <array>
#include <cstddef>

namespace roost::inline v0::detail {

struct wait_probe {
  static constexpr std::size_t most = 12;

  static std::size_t reset(std::array<parker*, most>& all) {
    parker_pool& pool = parker_pool::instance();
    std::size_t count = 0;
    for (parker* p = pool.free_; p != nullptr; p = p->next_free_)
      ++count;
    pool.free_ = nullptr;
    for (parker* const p : all) {
      p->next_free_ = std::exchange(pool.free_, p);
      p->token_.store(
          parker::none,
          std::memory_order_relaxed); // relaxed: no thread is there; late wakes leave it
    }
    return count;
  }
};

} // namespace roost::inline v0::detail

namespace model {

namespace {

using roost::detail::wait_probe;

std::array<roost::detail::parker*, wait_probe::most> make_parkers() {
  std::array<roost::detail::parker*, wait_probe::most> all{};
  for (auto*& p : all)
    p = new roost::detail::parker;
  wait_probe::reset(all);
  leave_out(&roost::detail::tallies::instance(), sizeof(roost::detail::tallies));
  return all;
}

std::array<roost::detail::parker*, wait_probe::most> parkers = make_parkers();

} // namespace

void check_end_of_run() {
  if (wait_probe::reset(parkers) != parkers.size())
    fail("a parker is not given back, or given back twice");
  if (the_world.allocated != 0)
    fail("memory is not freed");
}

} // namespace model
