// SPDX-License-Identifier: BSL-1.0

// Small broken programs, which the model must find wrong; and right ones beside them.

#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/condition_variable.hpp>
#include <roost/detail/sync/mutex.hpp>

#include "model/model.hpp"

#include <memory>
#include <new>

namespace {

using roost::detail::sync::atomic;
using roost::detail::sync::condition_variable;
using roost::detail::sync::mutex;

// The orders are what each case is about.
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

struct message {
  int value = 0;
  atomic<bool> sent{false};
};

// With the orders that a case names.
template <std::memory_order Store, std::memory_order Load>
void pass_message() {
  message m;
  model::together(
      [&] {
        m.value = 1;
        m.sent.store(true, Store);
      },
      [&] {
        if (m.sent.load(Load))
          model::check(m.value == 1, "the value is not there");
      });
}

MODEL_CASE("control: a message, released and acquired") {
  pass_message<release, acquire>();
}
MODEL_CASE("control: a message without its release", .fails_with = "data race") {
  pass_message<relaxed, acquire>();
}
MODEL_CASE("control: a message without its acquire", .fails_with = "data race") {
  pass_message<release, relaxed>();
}

// Likewise.
template <std::memory_order Store, std::memory_order Load>
void look_at_each_other() {
  atomic<int> a{0};
  atomic<int> b{0};
  int seen_a = 0;
  int seen_b = 0;
  model::together(
      [&] {
        a.store(1, Store);
        seen_b = b.load(Load);
      },
      [&] {
        b.store(1, Store);
        seen_a = a.load(Load);
      });
  model::check(seen_a == 1 || seen_b == 1, "neither sees the other");
}

MODEL_CASE("control: two that look at each other") {
  look_at_each_other<seq_cst, seq_cst>();
}
MODEL_CASE("control: two that look at each other without seq_cst",
           .fails_with = "neither sees the other") {
  look_at_each_other<release, acquire>();
}

MODEL_CASE("control: a release sequence goes on through an exchange") {
  message m;
  atomic<int> n{0};
  model::together(
      [&] {
        m.value = 1;
        n.store(1, release);
      },
      [&] { n.fetch_add(1, relaxed); },
      [&] {
        if (n.load(acquire) == 2)
          model::check(m.value == 1, "the value is not there");
      });
}

struct flag_and_condition {
  mutex m;
  condition_variable changed;
  bool set = false;
};

MODEL_CASE("control: a condition under its lock") {
  flag_and_condition f;
  model::together(
      [&] {
        std::unique_lock lock(f.m);
        f.changed.wait(lock, [&] { return f.set; });
      },
      [&] {
        const std::lock_guard lock(f.m);
        f.set = true;
        f.changed.notify_one();
      });
}
MODEL_CASE("control: a wake before the change is lost", .fails_with = "all threads sleep") {
  flag_and_condition f;
  model::together(
      [&] {
        std::unique_lock lock(f.m);
        f.changed.wait(lock, [&] { return f.set; });
      },
      [&] {
        f.changed.notify_one();
        const std::lock_guard lock(f.m);
        f.set = true;
      });
}
MODEL_CASE("control: two locks in two orders", .fails_with = "all threads sleep") {
  mutex a;
  mutex b;
  model::together(
      [&] {
        const std::lock_guard first(a);
        const std::lock_guard second(b);
      },
      [&] {
        const std::lock_guard first(b);
        const std::lock_guard second(a);
      });
}

MODEL_CASE("control: an item is taken twice", .fails_with = "taken twice") {
  atomic<int> items{1};
  atomic<int> taken{0};
  const auto take = [&] {
    if (items.load() == 1) {
      items.store(0);
      taken.fetch_add(1);
    }
  };
  model::together(take, take);
  model::check(taken.load() == 1, "taken twice");
}

MODEL_CASE("control: a touch after the end", .fails_with = "") {
  auto* const m = new message;
  bool is_gone = false;
  model::together(
      [&] {
        is_gone = m->sent.load(acquire);
        if (is_gone)
          delete m;
      },
      [&] {
        m->sent.store(true, release);
        m->sent.store(true, relaxed);
      });
  if (!is_gone)
    delete m;
}

MODEL_CASE("control: a last touch that nothing orders before the end", .fails_with = "data race") {
  atomic<int> users{2};
  auto* const m = new message;
  const auto leave = [&] {
    ++m->value;
    if (users.fetch_sub(1, relaxed) == 1)
      delete m;
  };
  model::together(leave, leave);
}

// Two threads with three steps each: 20 orders, some of them with more than two preemptions.
void take_three_steps_each() {
  atomic<int> n{0};
  const auto step = [&] {
    for (int i = 0; i < 3; ++i)
      n.fetch_add(1);
  };
  model::together(step, step);
}

MODEL_CASE("control: a small case", .complete_within = 100) {
  take_three_steps_each();
}
MODEL_CASE("control: a small case that is not", .complete_within = 5, .fails_with = "not small") {
  take_three_steps_each();
}

MODEL_CASE("control: memory is lost", .fails_with = "not freed") {
  auto* const m = new message;
  m->sent.store(true, relaxed);
}

MODEL_CASE("control: a block without bytes lies beside others") {
  void* const none = ::operator new(0);
  const auto one = std::make_unique<message>();
  const auto other = std::make_unique<message>();
  ::operator delete(none); // writes over it, as over all that is freed
  one->sent.store(true, relaxed);
  other->value = 1;
}

} // namespace
