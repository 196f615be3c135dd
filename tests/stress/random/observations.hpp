// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stress/random/program.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

// What is seen of a program while it runs. Only counts, which oracles.hpp judges afterwards.

namespace test::random {

/// A count of all threads. They learn nothing else by it: an order that came with it would hide
/// from ThreadSanitizer what the library fails to order.
class count {
 public:
  void add(int n = 1) noexcept { (void)add_and_get(n); }
  int add_and_get(int n) noexcept {
    // relaxed: see above
    return value_.fetch_add(n, std::memory_order_relaxed) + n;
  }
  void raise_to(int n) noexcept {
    int now = get();
    // relaxed: see above
    while (now < n && !value_.compare_exchange_weak(now, n, std::memory_order_relaxed)) {
    }
  }
  int get() const noexcept { return value_.load(std::memory_order_relaxed); } // relaxed: see above

 private:
  std::atomic<int> value_{0};
};

/// Adds one while it lives.
class counted_while {
 public:
  explicit counted_while(count& c, int n = 1) noexcept : count_(c), n_(n) { count_.add(n_); }
  counted_while(const counted_while&) = delete;
  counted_while& operator=(const counted_while&) = delete;
  ~counted_while() { count_.add(-n_); }

 private:
  count& count_;
  int n_;
};

/// What became of an item for a channel.
struct item_fate {
  count accepted; // the sender was told so
  count received;
  count kept;                  // a send that failed has left it in its variable
  count dropped;               // it was destroyed with its content
  bool may_be_dropped = false; // written by the thread that makes the item
};

/// What became of a task's exception. Each time that one passes the end of a task it becomes
/// another, so that each belongs to one scope.
struct failure_fate {
  int scope = -1; // written by the task
  count thrown_by_end;
  count handled; // by on_failure
  count hooked;  // told to the hook for those that nobody was told of
  count shown;   // by a handle's get(), or by failures()
  count caught;  // from a wait of the owner, in its block
  count passed;  // left the body of a with_scope inside its own, which may then fail with it
};

/// What became of a scope, or of a call as for_each, and its tasks or elements.
struct scope_fate {
  int number = 0;
  int node = 0;  // its number
  int limit = 0; // 0: none
  count running;
  count most;
  count spawned;
  count stopped_alone; // by their handles
  count begun;
  bool is_cut = false;               // by a stop or an exception: then not all are begun
  bool is_left_by_exception = false; // its block
  bool is_over = false;
  bool drops_failures = false; // when_any, where one has succeeded
};

/// Of a fixed size, so that to note something needs no memory; a program that gets to a limit does
/// less then.
struct observations {
  std::array<item_fate, 1024> items;
  std::array<failure_fate, 1024> failures;
  std::array<scope_fate, 256> scopes;
  count items_made;
  count failures_made;
  count scopes_made;

  count items_alive;
  count news_alive;
  count callables_alive;

  count wrong_results;
  count out_of_order;     // items of one sender for one receiver
  count torn_items;       // a send that failed has changed the item, or one that succeeded left it
  count news_missed;      // by a receiver that holds up the senders
  count went_backwards;   // a watch
  count too_many_permits; // held at once
  count not_exclusive;    // two threads inside of a mutex
  count arrived;
  count passed; // a barrier
  count dropped_out;

  bool refuses_threads = false; // the system, while it runs: then tasks may fail unbegun

  // How it was afterwards.
  std::size_t permits = 0;
  std::size_t permits_back = 0;
  std::size_t parties = 1;
  bool mutexes_are_free = true;
  bool groups_are_empty = true;
  std::size_t left_waiting = 0;
  std::size_t threads_more = 0;
  long tasks_alive = 0; // as roost counts them
  long threads_blocked = 0;
};

template <class Fates>
int take_place(count& made, const Fates& all) noexcept {
  const int place = made.add_and_get(1) - 1;
  if (place < static_cast<int>(all.size()))
    return place;
  made.add(-1);
  return -1;
}

/// The exception that a task ends with; a number less than 0 while no task has.
struct planned : std::exception {
  planned(observations* of, int n) noexcept : seen(of), number(n) {}
  const char* what() const noexcept override { return "planned"; }
  failure_fate* fate() const noexcept {
    return number < 0 ? nullptr : &seen->failures.at(static_cast<std::size_t>(number));
  }

  observations* seen;
  int number;
};

/// What is sent through channels: tells what becomes of it.
class item {
 public:
  item(observations& seen, int id, int from, int turn, bool may_be_dropped) noexcept
      : seen_(&seen),
        id_(id),
        sender(from),
        sequence(turn) {
    seen.items.at(static_cast<std::size_t>(id)).may_be_dropped = may_be_dropped;
    seen.items_alive.add();
  }
  item(item&& other) noexcept
      : seen_(std::exchange(other.seen_, nullptr)),
        id_(other.id_),
        sender(other.sender),
        sequence(other.sequence) {}
  item& operator=(item&& other) noexcept {
    item taken(std::move(other));
    std::swap(seen_, taken.seen_);
    std::swap(id_, taken.id_);
    std::swap(sender, taken.sender);
    std::swap(sequence, taken.sequence);
    return *this;
  }
  ~item() { end(&item_fate::dropped); }

  bool has_content() const noexcept { return seen_ != nullptr; }
  int id() const noexcept { return id_; }
  void receive() noexcept { end(&item_fate::received); }
  void keep() noexcept { end(&item_fate::kept); }

 private:
  void end(count item_fate::*how) noexcept {
    if (seen_ == nullptr)
      return;
    (seen_->items.at(static_cast<std::size_t>(id_)).*how).add();
    seen_->items_alive.add(-1);
    seen_ = nullptr;
  }

  observations* seen_; // null: moved from, or its end was told
  int id_;

 public:
  int sender;   // a number of the thread that does the steps of a node
  int sequence; // counts what that one has sent through this channel
};

/// What a broadcast tells, or a watch.
class news {
 public:
  news(observations& seen, int from, int turn) noexcept
      : sender(from),
        sequence(turn),
        seen_(&seen) {
    seen_->news_alive.add();
  }
  news(const news& other) noexcept : news(*other.seen_, other.sender, other.sequence) {}
  news& operator=(const news&) = delete;
  ~news() { seen_->news_alive.add(-1); }

  const int sender;
  const int sequence;

 private:
  observations* seen_;
};

/// Lies in a callable.
class sign_of_life {
 public:
  explicit sign_of_life(observations& seen) noexcept : seen_(&seen) { seen.callables_alive.add(); }
  sign_of_life(sign_of_life&& other) noexcept : seen_(std::exchange(other.seen_, nullptr)) {}
  sign_of_life(const sign_of_life& other) noexcept : sign_of_life(*other.seen_) {}
  sign_of_life& operator=(const sign_of_life&) = delete;
  ~sign_of_life() {
    if (seen_ != nullptr)
      seen_->callables_alive.add(-1);
  }

 private:
  observations* seen_;
};

} // namespace test::random
