// SPDX-License-Identifier: BSL-1.0

#include <roost/channel.hpp>
#include <roost/event.hpp>
#include <roost/select.hpp>

#include "model/model.hpp"
#include "model/stoppable.hpp"

#include <chrono>
#include <cstddef>

namespace {

using namespace std::chrono_literals;

MODEL_CASE("select: against a select, each sends and receives",
           .random_runs = 3000,
           .complete_within = 20000) {
  auto [to_b, from_a] = roost::make_channel<int>();
  auto [to_a, from_b] = roost::make_channel<int>();
  int a_sent = 0;
  int a_got = 0;
  int b_sent = 0;
  int b_got = 0;
  model::together(
      [&] {
        roost::select_biased(
            roost::on_send(to_b, 1, [&](auto sent) { a_sent += bool(sent) ? 1 : 0; }),
            roost::on_receive(from_b, [&](auto item) { a_got += item ? 1 : 0; }));
      },
      [&] {
        roost::select_biased(
            roost::on_send(to_a, 2, [&](auto sent) { b_sent += bool(sent) ? 1 : 0; }),
            roost::on_receive(from_a, [&](auto item) { b_got += item ? 1 : 0; }));
      });
  model::check(a_sent == b_got && b_sent == a_got && a_sent + b_sent == 1,
               "not exactly one item went through");
}

template <std::size_t Capacity>
void one_of_two_senders() {
  auto [tx_a, rx_a] = roost::make_channel<int>(Capacity);
  auto [tx_b, rx_b] = roost::make_channel<int>(Capacity);
  int got = 0;
  int sent = 0;
  const auto send = [](const auto& tx) { return tx.send_for(1, 1ms) ? 1 : 0; };
  int sent_b = 0;
  model::together(
      [&] {
        roost::select_biased(roost::on_receive(rx_a, [&](auto item) { got += item ? 1 : 0; }),
                             roost::on_receive(rx_b, [&](auto item) { got += item ? 1 : 0; }),
                             roost::on_timeout(2ms, [] {}));
      },
      [&] { sent = send(tx_a); },
      [&] { sent_b = send(tx_b); });
  got += rx_a.try_receive() ? 1 : 0;
  got += rx_b.try_receive() ? 1 : 0;
  model::check(got == sent + sent_b, "an item is lost, or comes twice");
}
MODEL_CASE("select: two senders, capacity 0", .random_runs = 2000) {
  one_of_two_senders<0>();
}
MODEL_CASE("select: two senders, capacity 1", .random_runs = 2000) {
  one_of_two_senders<1>();
}

MODEL_CASE("select: a receive, against a close") {
  auto [tx_a, rx_a] = roost::make_channel<int>();
  auto [tx_b, rx_b] = roost::make_channel<int>(1);
  int happened = 0;
  model::together(
      [&] {
        roost::select_biased(roost::on_receive(rx_a, [&](auto) { ++happened; }),
                             roost::on_receive(rx_b, [&](auto) { ++happened; }));
      },
      [&] { tx_a.close(); },
      [&] { (void)tx_b.send(1); });
  model::check(happened == 1, "not exactly one case happened");
}

MODEL_CASE("select: a stop, against an event") {
  auto [tx, rx] = roost::make_channel<int>();
  roost::event ready;
  const auto domain = model::make_domain();
  bool stopped = false;
  int happened = 0;
  model::together(
      [&] {
        stopped = model::is_stopped_in(domain, [&] {
          roost::select_biased(roost::on_receive(rx, [](auto) {}),
                               roost::on_set(ready, [&] { ++happened; }));
        });
      },
      [&] { model::stop(domain); },
      [&] { ready.set(); });
  model::check(stopped == (happened == 0), "a stopped select has happened, or nothing has");
}

MODEL_CASE("select: on one channel as both, against another sender", .random_runs = 2000) {
  auto [tx, rx] = roost::make_channel<int>();
  int got = 0;
  int sent = 0;
  bool other = false;
  model::together(
      [&] {
        roost::select_biased(roost::on_send(tx, 1, [&](auto s) { sent += bool(s) ? 1 : 0; }),
                             roost::on_receive(rx, [&](auto item) { got += item ? 1 : 0; }),
                             roost::on_timeout(2ms, [] {}));
      },
      [&] { other = bool(tx.send_for(2, 1ms)); });
  model::check(got == (other ? 1 : 0) && sent == 0, "it meets itself, or an item is lost");
}

// The item that a fair order of locks lets through: two selects whose channels are named in two
// orders.
MODEL_CASE("select: two selects name two channels in two orders",
           .random_runs = 2000,
           .complete_within = 20000) {
  auto [tx_a, rx_a] = roost::make_channel<int>();
  auto [tx_b, rx_b] = roost::make_channel<int>();
  int sent = 0;
  int got = 0;
  model::together(
      [&] {
        roost::select_biased(roost::on_send(tx_a, 1, [&](auto s) { sent += bool(s) ? 1 : 0; }),
                             roost::on_send(tx_b, 1, [&](auto s) { sent += bool(s) ? 1 : 0; }));
      },
      [&] {
        roost::select_biased(roost::on_receive(rx_b, [&](auto item) { got += item ? 1 : 0; }),
                             roost::on_receive(rx_a, [&](auto item) { got += item ? 1 : 0; }));
      });
  model::check(sent == 1 && got == 1, "not exactly one item went through");
}

} // namespace
