// SPDX-License-Identifier: BSL-1.0

#include <roost/channel.hpp>

#include "model/arrivals.hpp"
#include "model/model.hpp"
#include "model/stoppable.hpp"

#include <array>
#include <chrono>
#include <cstddef>

namespace {

using namespace std::chrono_literals;

using sender = roost::sender<int>;
using receiver = roost::receiver<int>;
using model::arrivals;

// Items 2 and 3 are for that: what a case sends is 0 and 1.
void fill(const sender& tx, std::size_t capacity) {
  for (std::size_t i = 0; i < capacity; ++i)
    (void)tx.send(static_cast<int>(2 + i));
}

void receive_one(const receiver& rx, arrivals& into) {
  if (const auto item = rx.receive())
    into.note(*item);
  model::forget_stack();
}

arrivals rest_of(const receiver& rx) {
  arrivals rest;
  while (const auto item = rx.try_receive())
    rest.note(*item);
  return rest;
}

// --- pairs --------------------------------------------------------------------------------

template <std::size_t Capacity>
void send_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  int told = 0;
  model::together(
      [&] {
        told = 1;
        (void)tx.send(0);
      },
      [&] {
        model::check(rx.receive().value() == 0 && told == 1,
                     "the item or what came before is not there");
      });
}

template <std::size_t Capacity>
void two_items() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  model::together(
      [&] {
        (void)tx.send(0);
        (void)tx.send(1);
      },
      [&] {
        model::check(rx.receive().value() == 0, "items come in another order");
        model::check(rx.receive().value() == 1, "items come in another order");
      });
}

// As many receives as there are senders that wait for room, and none more.
template <std::size_t Capacity>
void send_to_full_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  arrivals all;
  model::together([&] { (void)tx.send(0); }, [&] { receive_one(rx, all); });
  all.merge(rest_of(rx));
  model::check(all.came(0), "an item is lost");
}

template <std::size_t Capacity>
void two_send_to_full_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  arrivals all;
  model::together([&] { (void)tx.send(0); },
                  [&] { (void)tx.send(1); },
                  [&] {
                    receive_one(rx, all);
                    receive_one(rx, all);
                  });
  all.merge(rest_of(rx));
  model::check(all.came(0) && all.came(1), "an item is lost");
}

template <std::size_t Capacity>
void close_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  model::together([&] { tx.close(); },
                  [&] { model::check(!rx.receive(), "an item comes from nowhere"); });
}

template <std::size_t Capacity>
void close_send() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  bool sent = false;
  model::together([&] { sent = bool(tx.send(0)); }, [&] { rx.close(); });
  model::check(rest_of(rx).came(0) == sent, "what send() says is not so");
  model::check(!tx.try_send(0), "a closed channel takes an item");
}

template <std::size_t Capacity>
void timed_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  bool sent = false;
  arrivals all;
  model::together([&] { sent = bool(tx.send_for(0, 1ms)); },
                  [&] {
                    if (const auto item = rx.receive_for(2ms))
                      all.note(*item);
                  });
  all.merge(rest_of(rx));
  model::check(all.came(0) == sent, "what send() says is not so");
}

template <std::size_t Capacity>
void stopped_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  const auto domain = model::make_domain();
  arrivals all;
  bool stopped = false;
  model::together([&] { stopped = model::is_stopped_in(domain, [&] { receive_one(rx, all); }); },
                  [&] { (void)tx.try_send(0); },
                  [&] { model::stop(domain); });
  model::check(!(stopped && all.came(0)), "a stopped receive has received");
}

template <std::size_t Capacity>
void stopped_send() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  const auto domain = model::make_domain();
  arrivals all;
  bool stopped = false;
  model::together([&] { stopped = model::is_stopped_in(domain, [&] { (void)tx.send(0); }); },
                  [&] {
                    if (const auto item = rx.try_receive())
                      all.note(*item);
                  },
                  [&] { model::stop(domain); });
  all.merge(rest_of(rx));
  model::check(all.came(0) == !stopped, "what a stopped send has done is not so");
}

template <std::size_t Capacity>
void stop_alone() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  const auto domain = model::make_domain();
  model::together(
      [&] {
        model::check(model::is_stopped_in(domain, [&] { (void)rx.receive(); }),
                     "it is not stopped");
      },
      [&] { model::stop(domain); });
}

template <std::size_t Capacity>
void stop_alone_of_a_send() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  const auto domain = model::make_domain();
  model::together(
      [&] {
        model::check(model::is_stopped_in(domain, [&] { (void)tx.send(0); }), "it is not stopped");
      },
      [&] { model::stop(domain); });
  model::check(!rest_of(rx).came(0), "a stopped send has sent");
}

// Nothing but a close, a stop or a deadline can end these waits; whichever comes first must do so.
template <std::size_t Capacity>
void close_timed_receive() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  model::together([&] { tx.close(); },
                  [&] { model::check(!rx.receive_for(1ms), "an item comes from nowhere"); });
}

template <std::size_t Capacity>
void close_timed_send() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  model::together([&] { model::check(!tx.send_for(0, 1ms), "an item finds room where none is"); },
                  [&] { rx.close(); });
  model::check(!rest_of(rx).came(0), "a send that failed has sent");
}

enum class patience { endless, limited };
enum class meanwhile { nothing, a_close };

// Calls `f` where a stop comes, and perhaps beside `close`.
template <class F, class Close>
void beside_a_stop(meanwhile comes, F f, Close close) {
  const auto domain = model::make_domain();
  const auto stoppable = [&] { model::is_stopped_in(domain, f); };
  const auto stop = [&] { model::stop(domain); };
  if (comes == meanwhile::a_close)
    model::together(stoppable, close, stop);
  else
    model::together(stoppable, stop);
}

template <std::size_t Capacity>
void stop_or_end_receive(patience p, meanwhile comes) {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  beside_a_stop(
      comes,
      [&] { (void)(p == patience::limited ? rx.receive_for(1ms) : rx.receive()); },
      [&] { tx.close(); });
}

template <std::size_t Capacity>
void stop_or_end_send(patience p, meanwhile comes) {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  bool sent = false;
  beside_a_stop(
      comes,
      [&] { sent = bool(p == patience::limited ? tx.send_for(0, 1ms) : tx.send(0)); },
      [&] { rx.close(); });
  model::check(!sent && !rest_of(rx).came(0), "an item finds room where none is");
}

// --- triples ------------------------------------------------------------------------------

template <std::size_t Capacity>
void two_receivers() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  std::array<arrivals, 2> each;
  model::together(
      [&] {
        (void)tx.send(0);
        (void)tx.send(1);
      },
      [&] { receive_one(rx, each[0]); },
      [&] { receive_one(rx, each[1]); });
  each[0].merge(each[1]);
  model::check(each[0].count() == 2, "an item is lost");
}

template <std::size_t Capacity>
void two_senders() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  arrivals all;
  model::together(
      [&] {
        receive_one(rx, all);
        receive_one(rx, all);
      },
      [&] { (void)tx.send(0); },
      [&] { (void)tx.send(1); });
  model::check(all.count() == 2, "an item is lost");
}

template <std::size_t Capacity>
void send_receive_close() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  arrivals all;
  bool sent = false;
  model::together(
      [&] { sent = bool(tx.send(0)); }, [&] { receive_one(rx, all); }, [&] { tx.close(); });
  all.merge(rest_of(rx));
  model::check(all.came(0) == sent, "what send() says is not so");
}

// One of two receivers gives up when the item comes: the other gets it, or it stays.
template <std::size_t Capacity>
void receivers_of_which_one_gives_up() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  std::array<arrivals, 2> each;
  model::together(
      [&] {
        (void)tx.send(0);
        (void)tx.send(1);
        tx.close();
      },
      [&] {
        if (const auto item = rx.receive_for(1ms))
          each[0].note(*item);
      },
      [&] {
        while (const auto item = rx.receive())
          each[1].note(*item);
      });
  each[0].merge(each[1]);
  model::check(each[0].count() == 2, "an item is lost");
}

// Two senders wait for room, and one of them gives up.
template <std::size_t Capacity>
void senders_of_which_one_gives_up() {
  auto [tx, rx] = roost::make_channel<int>(Capacity);
  fill(tx, Capacity);
  arrivals all;
  bool sent = false;
  model::together([&] { (void)tx.send(0); },
                  [&] { sent = bool(tx.send_for(1, 1ms)); },
                  [&] {
                    while (!all.came(0))
                      receive_one(rx, all);
                  });
  all.merge(rest_of(rx));
  model::check(all.came(1) == sent, "what send() says is not so");
}

#define FOR_CAPACITY(n)                                                                            \
  MODEL_CASE("channel of " #n ": send, receive", .complete_within = 20000) {                       \
    send_receive<n>();                                                                             \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": two items keep their order", .complete_within = 40000) {          \
    two_items<n>();                                                                                \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": send into a full one, receive", .complete_within = 20000) {       \
    send_to_full_receive<n>();                                                                     \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": two send into a full one, receive") {                             \
    two_send_to_full_receive<n>();                                                                 \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": close, receive", .complete_within = 20000) {                      \
    close_receive<n>();                                                                            \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": close, send", .complete_within = 20000) {                         \
    close_send<n>();                                                                               \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": send and receive with time limits", .times = 2) {                 \
    timed_receive<n>();                                                                            \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, receive, send") {                                           \
    stopped_receive<n>();                                                                          \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, send, receive") {                                           \
    stopped_send<n>();                                                                             \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, receive", .complete_within = 20000) {                       \
    stop_alone<n>();                                                                               \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, send", .complete_within = 20000) {                          \
    stop_alone_of_a_send<n>();                                                                     \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": close, receive with a time limit", .complete_within = 20000) {    \
    close_timed_receive<n>();                                                                      \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": close, send with a time limit", .complete_within = 200000) {      \
    close_timed_send<n>();                                                                         \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, receive with a time limit", .complete_within = 40000) {     \
    stop_or_end_receive<n>(patience::limited, meanwhile::nothing);                                 \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, send with a time limit", .complete_within = 40000) {        \
    stop_or_end_send<n>(patience::limited, meanwhile::nothing);                                    \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, close, receive") {                                          \
    stop_or_end_receive<n>(patience::endless, meanwhile::a_close);                                 \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, close, send") {                                             \
    stop_or_end_send<n>(patience::endless, meanwhile::a_close);                                    \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, close, receive with a time limit") {                        \
    stop_or_end_receive<n>(patience::limited, meanwhile::a_close);                                 \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": stop, close, send with a time limit") {                           \
    stop_or_end_send<n>(patience::limited, meanwhile::a_close);                                    \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": two receivers") {                                                 \
    two_receivers<n>();                                                                            \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": two senders") {                                                   \
    two_senders<n>();                                                                              \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": send, receive, close", .complete_within = 100000) {               \
    send_receive_close<n>();                                                                       \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": one of two receivers gives up") {                                 \
    receivers_of_which_one_gives_up<n>();                                                          \
  }                                                                                                \
  MODEL_CASE("channel of " #n ": one of two senders gives up") {                                   \
    senders_of_which_one_gives_up<n>();                                                            \
  }

FOR_CAPACITY(0)
FOR_CAPACITY(1)
FOR_CAPACITY(2)

} // namespace
