// SPDX-License-Identifier: BSL-1.0
// Lets each allocation of channel operations fail in turn: bad_alloc then comes out, the item is
// still in the caller's variable, the channel works as before, and nothing leaks.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/channel_forms.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::channel_status;
using test::aligned_item;
using test::expect;
using test::item_counts;
using test::large_item;
using test::owned_item;
using test::tracked_item;

namespace {

// --- the frame of each check ---------------------------------------------------

// Runs `attempt` with the first, the second, ... of its allocations failing, until none fails. It
// gets a function to call the operation through, which says whether it failed.
template <class Attempt>
void each_allocation_fails(const char* what, int at_least, Attempt attempt) {
  int failures = 0;
  for (;; ++failures) {
    bool failed = false;
    const auto under_fire = [&](auto operation) {
      test::until_failure = failures;
      try {
        operation();
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      test::until_failure = -1;
      return failed;
    };
    const long before = test::living_allocations;
    attempt(under_fire);
    expect(test::living_allocations == before, "memory is lost");
    if (!failed)
      break;
  }
  expect(failures >= at_least, "it was to allocate");
  std::printf("%s: survived %d\n", what, failures);
}

// --- the checks ----------------------------------------------------------------

void making_a_channel() {
  const std::string name = "a name that is too long to lie in the string itself";
  each_allocation_fails("make_channel", 2, [&](auto under_fire) {
    under_fire([&] {
      const auto ch = roost::make_channel<int>(16, name);
      expect(bool(ch.tx.try_send(1)), "the channel works");
    });
  });
}

template <class T>
void sending(const char* what, int allocations) {
  item_counts counts;
  for (const auto& form : test::send_forms<T>()) {
    each_allocation_fails(what, allocations, [&](auto under_fire) {
      auto ch = roost::make_channel<T>(4);
      auto item = test::make_item<T>(counts, 7);
      const bool failed = under_fire([&] { (void)form.send(ch.tx, item); });
      if (failed) {
        expect(test::value_of(item) == 7, "the item stays in its variable");
        expect(ch.rx.size() == 0, "nothing was sent");
        expect(bool(form.send(ch.tx, item)), "it can be sent again");
      }
      const auto got = ch.rx.receive();
      expect(got && test::value_of(*got) == 7, "it arrives");
    });
  }
  expect(counts.live == 0, "each item dies once");
}

void sending_a_copy() {
  each_allocation_fails("send of a copy", 2, [](auto under_fire) {
    auto ch = roost::make_channel<std::vector<int>>(1);
    const std::vector<int> item{1, 2, 3};
    if (under_fire([&] { (void)ch.tx.send(item); })) {
      expect(ch.rx.size() == 0, "nothing was sent");
      expect(bool(ch.tx.send(item)), "it can be sent again");
    }
    expect(ch.rx.receive().value() == item, "it arrives");
  });
}

/// Its moves are copies, and need memory.
class copied_text {
 public:
  copied_text() = default;
  copied_text(const copied_text&) = default;
  copied_text& operator=(const copied_text& other) { // NOLINT(bugprone-unhandled-self-assignment)
    std::string(other.text_).swap(text_);
    return *this;
  }
  ~copied_text() = default;
  bool is_whole() const { return text_ == copied_text().text_; }

 private:
  std::string text_ = "a text that is too long to lie in the string itself";
};

// From one allocation on all fail: so it cannot be sent, and then cannot be moved back.
void sending_what_cannot_be_moved_back() {
  const char* const what = "send of what cannot be moved back";
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    const long before = test::living_allocations;
    {
      const auto ch = roost::make_channel<copied_text>(roost::unbounded);
      copied_text item;
      test::failing_allocations.start(failures, true);
      try {
        failed = !ch.tx.send(std::move(item));
      } catch (const std::bad_alloc&) {
      }
      (void)test::failing_allocations.stop();
      // NOLINTNEXTLINE(bugprone-use-after-move): a copy was moved
      expect(item.is_whole(), "the item stays in its variable");
      expect(ch.rx.size() == (failed ? 0 : 1), "it is sent or not");
    }
    expect(test::living_allocations == before, "memory is lost");
  }
  expect(failures > 3, "it was to allocate");
  std::printf("%s: survived %d\n", what, failures - 1);
}

// The room of a large or unbounded channel grows from time to time.
void growing(std::size_t filled) {
  const char* const what = "send to a channel that must grow";
  item_counts counts;
  each_allocation_fails(what, 2, [&](auto under_fire) {
    auto ch = roost::make_channel<tracked_item>(roost::unbounded);
    for (std::size_t i = 0; i < filled; ++i)
      (void)ch.tx.send(tracked_item(counts, static_cast<int>(i)));
    tracked_item item(counts, static_cast<int>(filled));
    if (under_fire([&] { (void)ch.tx.send(std::move(item)); })) {
      // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
      expect(item.value() == static_cast<int>(filled), "the item stays in its variable");
      expect(ch.rx.size() == filled, "what was in it stays in it");
      expect(bool(ch.tx.send(std::move(item))), "it can be sent again");
    }
    for (int i = 0; i <= static_cast<int>(filled); ++i)
      expect(ch.rx.receive()->value() == i, "all arrive in order");
  });
  expect(counts.live == 0, "each item dies once");
}

void sending_to_one_who_waits() {
  const char* const what = "send to a receiver that waits";
  item_counts counts;
  each_allocation_fails(what, 1, [&](auto under_fire) {
    auto ch = roost::make_channel<tracked_item>();
    int got = -1;
    std::jthread receiver([&] { got = ch.rx.receive()->value(); });
    while (!ch.tx.try_send(tracked_item(counts, 1)))
      std::this_thread::yield();
    receiver.join();
    receiver = std::jthread([&] { got = ch.rx.receive()->value(); });
    tracked_item item(counts, 2);
    if (under_fire([&] { (void)ch.tx.send(std::move(item)); })) {
      // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
      expect(item.value() == 2, "the item stays in its variable");
      expect(bool(ch.tx.send(std::move(item))), "it can be sent again");
    }
    receiver.join();
    expect(got == 2, "it arrives");
  });
  expect(counts.live == 0, "each item dies once");
}

// A thread that waits for the first time takes a parker, which is made if the pool has none. So
// each wait here runs on a thread of its own, and its parker is then kept from the next one.
std::vector<roost::detail::parker*> kept_away;

template <class Wait>
void first_wait_of_a_thread(const char* what, int allocations_before, Wait wait) {
  std::jthread([&] {
    test::until_failure = allocations_before;
    bool failed = false;
    try {
      wait();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    test::until_failure = -1;
    expect(failed, "it was to allocate");
    expect(wait(), "afterwards it waits as usual");
  }).join();
  kept_away.push_back(&roost::detail::parker_pool::instance().take());
  std::printf("%s: survived\n", what);
}

void waiting() {
  item_counts counts;
  auto ch = roost::make_channel<owned_item>();
  auto boxed = roost::make_channel<tracked_item>();
  roost::event event;
  roost::wait_group group;
  group.add();
  first_wait_of_a_thread(
      "receive", 0, [&] { return ch.rx.receive_for(0ns).status() == channel_status::timeout; });
  auto item = test::make_item<owned_item>(counts, 1);
  first_wait_of_a_thread("send of a pointer that waits", 0, [&] {
    return ch.tx.send_for(std::move(item), 0ns).status() == channel_status::timeout;
  });
  tracked_item large(counts, 2);
  first_wait_of_a_thread("send of a class that waits", 1, [&] {
    return boxed.tx.send_for(std::move(large), 0ns).status() == channel_status::timeout;
  });
  first_wait_of_a_thread("event", 0, [&] { return !event.wait_for(0ns); });
  first_wait_of_a_thread("wait_group", 0, [&] { return !group.wait_for(0ns); });
  // NOLINTBEGIN(bugprone-use-after-move): they were not taken
  expect(test::value_of(item) == 1, "the item stays in its variable");
  expect(large.value() == 2, "the item stays in its variable");
  // NOLINTEND(bugprone-use-after-move)
  expect(test::waiting(ch.rx) + test::waiting(ch.tx) + test::waiting(boxed.tx) +
                 test::waiting(event) + test::waiting(group) ==
             0,
         "nobody is left in a line");
  for (roost::detail::parker* const p : kept_away)
    roost::detail::parker_pool::instance().give_back(*p);
}

} // namespace

int main() { // NOLINT(bugprone-exception-escape): then the test has failed
  waiting(); // first, while the pool of parkers is empty
  making_a_channel();
  sending<int>("send of a number", 0);
  sending<owned_item>("send of a pointer", 0);
  sending<tracked_item>("send of a class", 1);
  sending<aligned_item>("send of an aligned class", 1);
  sending<large_item>("send of a large class", 1);
  sending_a_copy();
  sending_what_cannot_be_moved_back();
  growing(0);
  growing(1024);
  growing(2048);
  sending_to_one_who_waits();
  return test::exit_code();
}
