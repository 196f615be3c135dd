// SPDX-License-Identifier: BSL-1.0

// The ends of a channel: which one goes last, and what goes with it.

#include <roost/channel.hpp>

#include "model/arrivals.hpp"
#include "model/model.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace {

using sender = roost::sender<int>;
using receiver = roost::receiver<int>;
using model::arrivals;

template <std::size_t Capacity>
void last_sender_goes() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  auto other = std::optional<sender>(tx);
  arrivals all;
  model::together(
      [&] {
        while (const auto item = rx.receive())
          all.note(*item);
      },
      [&, end = std::optional<sender>(std::move(tx))]() mutable {
        (void)end->send(0);
        end.reset();
      },
      [&] {
        (void)other->send(1);
        other.reset();
      });
  model::check(all.count() == 2, "an item is lost");
}

template <std::size_t Capacity>
void ends_go_from_two_sides() {
  auto ends = roost::make_channel<int>(Capacity);
  auto tx = std::optional<sender>(std::move(ends.tx));
  auto rx = std::optional<receiver>(std::move(ends.rx));
  model::together(
      [&] {
        (void)tx->send(0);
        tx.reset();
      },
      [&] {
        (void)rx->receive();
        rx.reset();
      });
}

// What was done through each end that has gone is there for a thread that sees the close.
template <std::size_t Capacity>
void close_by_the_last_of_two_ends() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  auto one = std::optional<sender>(tx);
  auto other = std::optional<sender>(std::move(tx));
  std::array<int, 2> done{};
  model::together(
      [&] {
        while (rx.receive()) {
        }
        model::check(done[0] == 1 && done[1] == 1, "what was done before the end is not there");
      },
      [&] {
        done[0] = 1;
        one.reset();
      },
      [&] {
        done[1] = 1;
        other.reset();
      });
}

// An item may own the end through which it is sent; the receiver then destroys both, and its own
// end.
template <std::size_t Capacity>
void item_owns_its_end() {
  struct owner {
    std::optional<roost::sender<std::unique_ptr<owner>>> end;
  };
  auto ends = roost::make_channel<std::unique_ptr<owner>>(Capacity);
  auto rx = std::make_unique<roost::receiver<std::unique_ptr<owner>>>(std::move(ends.rx));
  auto item = std::make_unique<owner>();
  item->end.emplace(std::move(ends.tx));
  model::together(
      [&] {
        const auto& end = *item->end;
        (void)end.send(std::move(item));
      },
      [&] {
        { const auto got = rx->receive(); }
        rx.reset();
      });
}

#define FOR_CAPACITY(n)                                                                            \
  MODEL_CASE("channel of " #n ": the last sender goes") {                                          \
    last_sender_goes<n>();                                                                         \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": the last of two ends closes", .complete_within = 40000) {         \
    close_by_the_last_of_two_ends<n>();                                                            \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": an item owns its end", .complete_within = 20000) {                \
    item_owns_its_end<n>();                                                                        \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": both ends go", .complete_within = 20000) {                        \
    ends_go_from_two_sides<n>();                                                                   \
  }

FOR_CAPACITY(0)
FOR_CAPACITY(1)
FOR_CAPACITY(2)

} // namespace
