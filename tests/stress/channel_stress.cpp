// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/ledger.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

// Stops, closes, deadlines and timeouts against each other: each accepted item is received exactly
// once, and each item that was not accepted is still in its sender's variable.

using namespace std::chrono_literals;
using roost::channel_status;
using test::item_counts;
using test::ledger;
using test::make_item;
using test::owned_item;
using test::random_numbers;
using test::rounds;
using test::throwing_item;
using test::tracked_item;
using test::value_of;

namespace {

// What happens while items are on their way.
enum class disturbance {
  none,
  stop,
  stop_from_outside,
  deadline,
  close_by_sender,
  close_by_receiver
};

struct plan {
  std::size_t capacity = 0;
  int senders = 1;
  int receivers = 1;
  int items = 0; // of each sender
  disturbance what = disturbance::none;
  int when = 0; // so many items are to be received before it happens

  static plan any(random_numbers& random) {
    constexpr std::size_t capacities[] = {0, 0, 1, 2, 7, test::no_limit};
    return {capacities[random.below(6)],
            1 + random.below(3),
            1 + random.below(3),
            1 + random.below(30),
            static_cast<disturbance>(random.below(6)),
            random.below(40)};
  }
};

template <class T, class Tx>
roost::send_result send_somehow(const Tx& tx, T& item, random_numbers& random) {
  switch (random.below(4)) {
  case 0:
    return tx.try_send(std::move(item));
  case 1:
    return tx.send_for(std::move(item), std::chrono::microseconds(random.below(60)));
  default:
    return tx.send(std::move(item));
  }
}

template <class Tx, class T>
void send_all(const Tx& tx, ledger& book, item_counts& counts, int first, int count) {
  random_numbers random(static_cast<std::uint64_t>(first));
  for (int id = first; id < first + count; ++id) {
    T item = make_item<T>(counts, id);
    for (bool again = true; again;) {
      channel_status end{};
      try {
        end = send_somehow(tx, item, random).status();
      } catch (const roost::stopped&) {
        book.kept(id, value_of(item));
        throw;
      }
      if (end == channel_status::success) {
        book.accepted(id);
        break;
      }
      book.kept(id, value_of(item));
      if (end == channel_status::closed)
        return;
      again = !random.one_in(4);
    }
  }
}

template <class Rx>
void receive_all(const Rx& rx, ledger& book, std::uint64_t stream) {
  random_numbers random(stream);
  const auto note = [&](const auto& result) {
    if (result)
      book.received(value_of(*result));
    return result.status() != channel_status::closed;
  };
  for (bool open = true; open;) {
    switch (random.below(5)) {
    case 0:
      open = note(rx.try_receive());
      break;
    case 1:
      open = note(rx.receive_for(std::chrono::microseconds(random.below(60))));
      break;
    case 2:
      open = false;
      for (const auto& item : rx) {
        book.received(value_of(item));
        if (random.one_in(3)) {
          open = true;
          break;
        }
      }
      break;
    default:
      open = note(rx.receive());
    }
  }
}

template <class T, class Tx, class Rx>
void exchange(Tx tx, const Rx& rx, const plan& p, ledger& book, item_counts& counts) {
  roost::task_scope around; // so that a stop can also come from further out
  around.spawn([&, tx = std::move(tx)]() mutable {
    std::atomic<int> busy_senders = p.senders;
    roost::task_scope scope({.timeout = p.what == disturbance::deadline
                                            ? std::chrono::microseconds(100 + 10 * p.when)
                                            : roost::clock::duration::max()});
    for (int s = 0; s < p.senders; ++s) {
      scope.spawn([&, s, tx] {
        const test::at_exit one_less([&] { --busy_senders; });
        send_all<Tx, T>(tx, book, counts, s * p.items, p.items);
      });
    }
    for (int r = 0; r < p.receivers; ++r) {
      scope.spawn([&, r, rx] { receive_all(rx, book, 1000 + static_cast<std::uint64_t>(r)); });
    }
    std::optional mine = std::move(tx);
    if (p.what != disturbance::close_by_sender)
      mine.reset();
    while (book.received_items() < p.when && busy_senders > 0 && !scope.stop_requested())
      std::this_thread::yield();
    switch (p.what) {
    case disturbance::none:
    case disturbance::deadline:
      break;
    case disturbance::stop:
      scope.request_stop();
      break;
    case disturbance::stop_from_outside:
      around.request_stop();
      break;
    case disturbance::close_by_sender:
      mine->close();
      break;
    case disturbance::close_by_receiver:
      rx.close();
      break;
    }
    try {
      scope.join();
    } catch (const roost::stopped&) {
    } catch (const roost::timeout_error&) {
    }
  });
  around.join();
  while (const auto left = rx.try_receive())
    book.received(value_of(*left));
}

// Makes the ends, lets items through, and returns what was wrong.
template <class T, class Tx, class Rx>
std::string faults_of_a_round(const plan& p, int& failed_sends) {
  item_counts counts;
  ledger book(p.senders * p.items);
  {
    auto ch = test::make_ends<T>(p.capacity);
    const Rx rx(ch.rx);
    exchange<T>(Tx(std::move(ch.tx)), rx, p, book, counts);
    if (test::waiting(static_cast<const roost::receiver<T>&>(rx)) != 0)
      return "somebody still waits";
  }
  failed_sends += book.failed_sends();
  if (counts.live != 0)
    return "items live on or died twice: " + std::to_string(counts.live);
  return book.faults();
}

} // namespace

TEMPLATE_TEST_CASE("stops and closes and timeouts at once lose and double no item",
                   "[channel][stress]",
                   int,
                   owned_item,
                   tracked_item,
                   throwing_item) {
  ROOST_TEST_SHOW_SEED();
  random_numbers random(1);
  int failed_sends = 0;
  for (int round = 0; round < rounds(400); ++round) {
    const plan p = plan::any(random);
    CAPTURE(p.capacity, p.senders, p.receivers, p.items, static_cast<int>(p.what), p.when);
    REQUIRE(faults_of_a_round<TestType, roost::sender<TestType>, roost::receiver<TestType>>(
                p, failed_sends)
                .empty());
  }
  CHECK((failed_sends > 0 || rounds(400) < 100)); // otherwise nothing was tested
}

namespace {

// Channels with one fault each, that shows now and then.
template <class T>
class losing_sender : public roost::sender<T> {
 public:
  explicit losing_sender(roost::sender<T> tx) : roost::sender<T>(std::move(tx)) {}
  roost::send_result send(T&& item) const {
    static std::atomic<int> calls = 0;
    if (++calls % 8 != 0)
      return roost::sender<T>::send(std::move(item));
    const T gone(std::move(item));
    return channel_status::success;
  }
};

template <class T>
class doubling_sender : public roost::sender<T> {
 public:
  explicit doubling_sender(roost::sender<T> tx) : roost::sender<T>(std::move(tx)) {}
  roost::send_result send(T&& item) const {
    (void)this->try_send(item);
    return roost::sender<T>::send(std::move(item));
  }
};

template <class T>
class robbing_sender : public roost::sender<T> {
 public:
  explicit robbing_sender(roost::sender<T> tx) : roost::sender<T>(std::move(tx)) {}
  roost::send_result try_send(T&& item) const {
    const auto result = roost::sender<T>::try_send(std::move(item));
    if (!result) {
      const T gone(std::move(item)); // NOLINT(bugprone-use-after-move): that is the fault
    }
    return result;
  }
};

template <class T>
class leaking_sender : public roost::sender<T> {
 public:
  explicit leaking_sender(roost::sender<T> tx) : roost::sender<T>(std::move(tx)) {}
  roost::send_result send(T&& item) const {
    item.counts().live += 1; // as if an item were made and never destroyed
    return roost::sender<T>::send(std::move(item));
  }
};

template <class T>
class dropping_receiver : public roost::receiver<T> {
 public:
  explicit dropping_receiver(roost::receiver<T> rx) : roost::receiver<T>(std::move(rx)) {}
  roost::receive_result<T> receive() const {
    (void)this->try_receive();
    return roost::receiver<T>::receive();
  }
};

template <class T, class Tx, class Rx>
bool a_fault_is_noticed() {
  random_numbers random(2);
  int failed_sends = 0;
  for (int round = 0; round < 500; ++round) {
    plan p = plan::any(random);
    p.what = disturbance::none;
    p.items = 20;
    if (!faults_of_a_round<T, Tx, Rx>(p, failed_sends).empty())
      return true;
  }
  return false;
}

} // namespace

TEST_CASE("the checks notice a channel that loses or doubles or keeps items", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  using item = tracked_item;
  using rx = roost::receiver<item>;
  CHECK(a_fault_is_noticed<item, losing_sender<item>, rx>());
  CHECK(a_fault_is_noticed<item, doubling_sender<item>, rx>());
  CHECK(a_fault_is_noticed<item, robbing_sender<item>, rx>());
  CHECK(a_fault_is_noticed<item, leaking_sender<item>, rx>());
  CHECK(a_fault_is_noticed<item, roost::sender<item>, dropping_receiver<item>>());
}
