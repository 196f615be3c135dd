// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include "model/model.hpp"

#include <chrono>
#include <mutex>

namespace {

using namespace roost::detail;

template <class Sleep>
void hand_over_by_token() {
  basic_parker<Sleep> p;
  int value = 0;
  bool is_there = false;
  sync::atomic<bool> set{false};
  model::together(
      [&] {
        // relaxed: the token is what hands the value over
        while (!set.load(std::memory_order_relaxed))
          p.park();
        (void)set.load(std::memory_order_acquire);
        is_there = value == 1;
      },
      [&] {
        value = 1;
        set.store(true, std::memory_order_release); // also for a park that returns without cause
        p.unpark();
      });
  model::check(is_there, "the value is not there");
}

// What a token hands over, nothing else does.
template <class Sleep>
void token_alone() {
  basic_parker<Sleep> p;
  int value = 0;
  model::together(
      [&] {
        while (!p.park_until(sync::now() + std::chrono::hours(1))) {
        }
        model::check(value == 1, "the value is not there");
      },
      [&] {
        value = 1;
        p.unpark();
      });
}

template <class Sleep>
void two_wakers() {
  basic_parker<Sleep> p;
  sync::atomic<int> wakes{0};
  const auto wake = [&] {
    wakes.fetch_add(1, std::memory_order_relaxed); // relaxed: a number
    p.unpark();
  };
  model::together(
      [&] {
        // relaxed: a number
        while (wakes.load(std::memory_order_relaxed) != 2)
          p.park();
      },
      wake,
      wake);
}

template <class Sleep>
void wake_at_the_deadline() {
  basic_parker<Sleep> p;
  bool first = false;
  model::together(
      [&] {
        first = p.park_until(sync::now() + std::chrono::milliseconds(1));
        if (!first)
          p.park(); // the token comes, and is kept
      },
      [&] { p.unpark(); });
}

MODEL_CASE("parker: a token hands over", .complete_within = 20000) {
  hand_over_by_token<word_sleep>();
}
MODEL_CASE("parker: a token alone hands over", .complete_within = 20000) {
  token_alone<word_sleep>();
}
MODEL_CASE("parker: two wakers", .complete_within = 20000) {
  two_wakers<word_sleep>();
}
MODEL_CASE("parker: a wake at the deadline", .complete_within = 20000) {
  wake_at_the_deadline<word_sleep>();
}
MODEL_CASE("portable parker: a token hands over", .complete_within = 20000) {
  hand_over_by_token<portable_word_sleep>();
}
MODEL_CASE("portable parker: a token alone hands over", .complete_within = 20000) {
  token_alone<portable_word_sleep>();
}
MODEL_CASE("portable parker: two wakers", .complete_within = 20000) {
  two_wakers<portable_word_sleep>();
}
MODEL_CASE("portable parker: a wake at the deadline", .complete_within = 20000) {
  wake_at_the_deadline<portable_word_sleep>();
}

MODEL_CASE("spin lock: it excludes and publishes", .complete_within = 20000) {
  spin_lock lock;
  int count = 0;
  const auto add = [&] {
    const std::lock_guard guard(lock);
    ++count;
  };
  model::together(add, add, add);
  model::check(count == 3, "an increment is lost");
}

MODEL_CASE("spin lock: the next holder may destroy it", .complete_within = 20000) {
  struct guarded {
    spin_lock lock;
    int users = 2;
  };
  auto* const g = new guarded;
  const auto leave = [&] {
    bool last = false;
    {
      const std::lock_guard guard(g->lock);
      last = --g->users == 0;
    }
    if (last)
      delete g;
  };
  model::together(leave, leave);
}

// --- one record -------------------------------------------------------------------

struct one_wait {
  spin_lock lock;
  wait_list line;
  int value = 0;
};

MODEL_CASE("wait record: a claim, and what it brings", .complete_within = 20000) {
  one_wait w;
  model::together(
      [&] {
        parker_lease lease;
        wait_record record(lease.get());
        wait_node node(nullptr);
        {
          const std::lock_guard guard(w.lock);
          if (w.value == 1)
            return;
          w.line.push_back(node, record);
        }
        model::check(record.await(no_deadline) == wait_state::done, "it ends otherwise");
        model::check(w.value == 1 && record.claimed_at() == &node, "the value is not there");
      },
      [&] {
        claimed_list woken;
        {
          const std::lock_guard guard(w.lock);
          w.value = 1;
          woken.push_all(w.line);
        }
        woken.complete(wait_state::done);
      });
}

MODEL_CASE("wait record: two claimers and a deadline") {
  one_wait w;
  int claims = 0;
  wait_state end = wait_state::waiting;
  const auto claim = [&](wait_state outcome) {
    return [&w, &claims, outcome] {
      wait_node* claimed = nullptr;
      {
        const std::lock_guard guard(w.lock);
        claimed = w.line.claim_first();
        claims += claimed != nullptr ? 1 : 0;
      }
      if (claimed != nullptr)
        claimed->record->complete(outcome);
    };
  };
  model::together(
      [&] {
        parker_lease lease;
        wait_record record(lease.get());
        wait_node node(nullptr);
        {
          const std::lock_guard guard(w.lock);
          w.line.push_back(node, record);
        }
        end = record.await(sync::now() + std::chrono::milliseconds(1));
        const std::lock_guard guard(w.lock);
        w.line.remove(node);
      },
      claim(wait_state::done),
      claim(wait_state::closed));
  model::check(claims == (end == wait_state::timed_out ? 0 : 1),
               "it is claimed twice, or by nobody");
}

MODEL_CASE("wait record: a report holds it while it ends", .complete_within = 20000) {
  one_wait w;
  int looked_at = 1;
  model::together(
      [&] {
        parker_lease lease;
        wait_record record(lease.get());
        wait_node node(nullptr);
        {
          const std::lock_guard guard(w.lock);
          w.line.push_back(node, record);
        }
        (void)record.await(sync::now() + std::chrono::milliseconds(1));
        looked_at = 2; // a report that held it has read it by now
        const std::lock_guard guard(w.lock);
        w.line.remove(node);
      },
      [&] {
        const std::lock_guard guard(w.lock);
        if (w.line.empty())
          return;
        wait_record& record = *w.line.front()->record;
        if (record.try_hold()) {
          model::check(looked_at == 1, "the operation has ended while it was held");
          record.let_go();
        }
      });
}

// The report holds it under the lock of the waiter's slot, the peer claims it under its own.
MODEL_CASE("wait record: a report holds it while a peer claims it",
           .random_runs = 3000,
           .complete_within = 20000) {
  one_wait w;
  spin_lock slot;
  wait_record* published = nullptr;
  int looked_at = 1;
  model::together(
      [&] {
        parker_lease lease;
        wait_record record(lease.get());
        wait_node node(nullptr);
        {
          const std::lock_guard guard(w.lock);
          if (w.value == 1)
            return;
          w.line.push_back(node, record);
        }
        {
          const std::lock_guard guard(slot);
          published = &record;
        }
        model::check(record.await(no_deadline) == wait_state::done, "it ends otherwise");
        looked_at = 2; // a report that held it has read it by now
        const std::lock_guard guard(slot);
        published = nullptr;
      },
      [&] {
        claimed_list woken;
        {
          const std::lock_guard guard(w.lock);
          w.value = 1;
          woken.push_all(w.line);
        }
        woken.complete(wait_state::done);
      },
      [&] {
        const std::lock_guard guard(slot);
        if (published != nullptr && published->try_hold()) {
          model::check(looked_at == 1, "the operation has ended while it was held");
          published->let_go();
        }
      });
}

} // namespace
