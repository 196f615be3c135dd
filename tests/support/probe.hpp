// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// The tests' window into the library: how many threads wait, and where.
struct probe {
  static std::size_t waiting(const wait_queue& queue) {
    return queue.locked([&] { return queue.waiters_.size(); });
  }
  static std::size_t waiting(const event& e) { return waiting(e.waiters_); }
  static std::size_t waiting(const wait_group& g) { return waiting(g.waiters_); }

  static std::size_t waiting(const semaphore& s) {
    const std::lock_guard guard(s.lock_);
    return s.waiters_.size();
  }

  template <class Item>
  static std::size_t waiting(const channel_end<Item, channel_side::sending>& tx) {
    const std::lock_guard guard(tx.core_->lock_);
    return tx.core_->senders_.size();
  }
  template <class Item>
  static std::size_t waiting(const channel_end<Item, channel_side::receiving>& rx) {
    const std::lock_guard guard(rx.core_->lock_);
    return rx.core_->receivers_.size();
  }

  /// Whether whoever completes the record has to wake its waiter.
  static bool is_asleep(const wait_record& record) {
    return (record.state_.load(std::memory_order_relaxed) & wait_record::asleep) !=
           0; // relaxed: alone
  }
  static std::size_t waiting(const barrier& b) { return waiting(b.waiters_); }

  /// Those who wait for a broadcast's or a watch's receiver, or to send.
  template <class T>
  static std::size_t waiting(const broadcast_reader<T>& rx) {
    const std::lock_guard guard(rx.reader_->core_->lock_);
    return rx.reader_->receivers_.size();
  }
  template <class T>
  static std::size_t waiting(const broadcast_sender<T>& tx) {
    const std::lock_guard guard(tx.core_->lock_);
    return tx.core_->senders_.size();
  }

  /// Cases of a selector, and removed ones for which it still has a place.
  static std::size_t places(const selector& s) { return s.cases_.size(); }

  /// What the ends of a channel share, for tests of its inside.
  template <class T>
  static channel_core<stored_item<T>>& core(const sender<T>& tx) {
    return *tx.core_;
  }

  /// Who keeps what the ends share: each end, and each operation that keeps it.
  template <class T>
  static long keepers(const sender<T>& tx) {
    return tx.core_.use_count();
  }

  /// Holds what guards the channel as a whole.
  template <class T>
  static std::unique_lock<const primitive_lock> hold(const sender<T>& tx) {
    return std::unique_lock(core(tx).lock_);
  }

  /// True if all that changes at a channel without a ring lies in one cache line.
  template <class T>
  static bool is_compact(const sender<T>& tx) {
    const auto line = [](const auto& part) { return reinterpret_cast<std::uintptr_t>(&part) / 64; };
    const auto& c = core(tx);
    return line(c.senders_) == line(c.lock_without_ring_) &&
           line(c.receivers_) == line(c.lock_without_ring_) &&
           line(c.closed_) == line(c.lock_without_ring_) && c.lock_.id() == &c.lock_without_ring_;
  }

  /// How many have been called and are not awake yet, of both sides. Not counted at capacity 0.
  template <class Item>
  static std::size_t on_their_way(const channel_exchange<Item>& channel) {
    const std::lock_guard guard(channel.lock_);
    return channel.capacity() == 0
               ? 0
               : channel.senders_.on_their_way_ + channel.receivers_.on_their_way_;
  }
  template <class T>
  static std::size_t on_their_way(const sender<T>& tx) {
    return on_their_way(core(tx));
  }

  /// Tasks of this scope whose thread is in a blocking call that a stop can wake: all that it has
  /// to do before it sleeps is done. Not the owner, and not what runs in scopes further in.
  static std::size_t blocked_tasks(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    std::size_t count = 0;
    for (context* c = state.contexts().front(); c != nullptr; c = state.contexts().next(*c)) {
      thread_slot* const slot = scope_state::slot_of(*c);
      if (c->shown_task() == nullptr || slot == nullptr)
        continue;
      const std::lock_guard guard(slot->lock);
      if (slot->record != nullptr)
        ++count;
    }
    return count;
  }

  /// Tasks of this scope whose function has been entered or is about to be.
  static std::size_t started_tasks(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    std::size_t count = 0;
    for (context* c = state.contexts().front(); c != nullptr; c = state.contexts().next(*c)) {
      if (c->shown_task() != nullptr && scope_state::slot_of(*c) != nullptr)
        ++count;
    }
    return count;
  }

  /// The blocking call that the first task of this scope is in; without an operation if it runs.
  static blocked_call first_task_call(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    for (context* c = state.contexts().front(); c != nullptr; c = state.contexts().next(*c)) {
      thread_slot* const slot = scope_state::slot_of(*c);
      if (c->shown_task() == nullptr || slot == nullptr)
        continue;
      const std::lock_guard guard(slot->lock);
      return slot->call;
    }
    return {};
  }

  /// Tasks that are queued in the scope, and spawns that wait for a place there.
  static std::size_t queued(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    state.drain_buffer();
    return state.queue_.length();
  }
  static std::size_t waiting_spawns(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    return state.queue_.spawns().size();
  }

  /// The name of the task for which the first of those spawns waits.
  static std::string first_waiting_spawn(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    const wait_node* const first = state.queue_.spawns().front();
    return first != nullptr ? std::string(static_cast<const task*>(first->slot)->name()) : "";
  }

  /// Threads that have nothing to do and are kept. A scope, which must be open, tells of
  /// all in its tree.
  static std::size_t idle_threads(thread_pool& threads) {
    const std::lock_guard guard(threads.lock_);
    return threads.idle_.size();
  }
  static std::size_t idle_threads(const task_scope& scope) {
    return idle_threads(scope.state_->shared()->threads);
  }

  /// Starts jobs for which there are idle threads, all before any of those wakes. How many are
  /// woken for them from here.
  template <class Jobs>
  static std::size_t start_together(thread_pool& threads, Jobs& jobs) {
    claimed_list woken;
    std::size_t count = 0;
    {
      const std::lock_guard guard(threads.lock_);
      for (job& j : jobs) {
        threads.ready_.push_back(j);
        ++threads.ready_count_;
        if (wait_record* const one = threads.call_next()) {
          woken.push(*one);
          ++count;
        }
      }
    }
    woken.complete(wait_state::done);
    return count;
  }

  /// If there is none but the lookout: whether that one counts for a job that is started.
  static std::optional<bool> lookout_is_there_for_jobs(thread_pool& threads) {
    const std::lock_guard guard(threads.lock_);
    const std::size_t others = threads.looking_ + threads.idle_count_ + threads.ready_count_;
    if (threads.lookout_ == nullptr || others != 0)
      return std::nullopt;
    return threads.has_thread_for_one_more();
  }

  /// Whether forks were ever offered in the scope's tree, and how many wait there for forks to end.
  static bool has_had_forks(const task_scope& scope) {
    thread_pool& threads = scope.state_->shared()->threads;
    const std::lock_guard guard(threads.lock_);
    return threads.watch_.is_busy_ || threads.watch_.pause_number_ != 1;
  }
  static std::size_t absent(const task_scope& scope) {
    thread_pool& threads = scope.state_->shared()->threads;
    const std::lock_guard guard(threads.lock_);
    return threads.absent_;
  }

  /// Whether a thread that came now would take a fork that has just been offered.
  static bool gives_fork_a_thread_at_once(thread_pool& threads) {
    struct one final : job {
      void run_on_pool() noexcept override {}
      void fail_on_pool(const std::exception_ptr&) noexcept override {}
    } fork;
    const std::lock_guard guard(threads.lock_);
    threads.forks_.push_back(fork);
    fork.offered_ = threads.watch_.offered();
    const bool is_due = threads.fork_is_due(thread_pool::coming::called);
    threads.forks_.erase(fork);
    return is_due;
  }

  /// Takes all parkers that no thread holds from the pool, so that whoever waits for the first time
  /// has to make one, and gives them back.
  static parker* hide_parkers() {
    parker_pool& pool = parker_pool::instance();
    const std::lock_guard lock(pool.mutex_);
    return std::exchange(pool.free_, nullptr);
  }
  /// How many they are.
  static long show_parkers(parker* hidden) {
    long count = 0;
    for (; hidden != nullptr; ++count)
      parker_pool::instance().give_back(*std::exchange(hidden, hidden->next_free_));
    return count;
  }

  /// True while the thread that made the scope is in a blocking call that a stop can wake.
  static bool owner_blocked(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    thread_slot* const slot = scope_state::slot_of(state.frame_);
    if (slot == nullptr)
      return false;
    const std::lock_guard guard(slot->lock);
    return slot->record != nullptr;
  }

  /// True while the thread that made the scope waits in its join(), wait_for() or destructor.
  static bool owner_joins(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    thread_slot* const slot = scope_state::slot_of(state.frame_);
    if (slot == nullptr)
      return false;
    const std::lock_guard guard(slot->lock);
    return std::string_view(slot->call.operation).substr(0, 12) == "task_scope::";
  }
};

} // namespace roost::inline v0::detail

namespace test {

using roost::detail::probe;

/// Yields until `condition()` holds. Only for conditions that the library's own progress makes
/// true; a test that never gets there is ended by ctest's timeout.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition())
    std::this_thread::yield();
}

/// Until exactly so many wait at a primitive or an end of a channel.
template <class Primitive>
void wait_until_waiting(const Primitive& primitive, std::size_t count) {
  wait_until([&] { return probe::waiting(primitive) == count; });
}

/// Until the scope's owner is blocked in an operation.
inline void wait_until_owner_blocked(const roost::task_scope& scope) {
  wait_until([&] { return probe::owner_blocked(scope); });
}

/// Until the scope's owner waits for its tasks.
inline void wait_until_joining(const roost::task_scope& scope) {
  wait_until([&] { return probe::owner_joins(scope); });
}

/// Until so many tasks are queued in the scope, or so many spawns wait for a place there.
inline void wait_until_queued(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return probe::queued(scope) == count; });
}
inline void wait_until_spawns_wait(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return probe::waiting_spawns(scope) == count; });
}

/// Until so many threads of the scope's tree are idle.
inline void wait_until_idle(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return probe::idle_threads(scope) == count; });
}

/// Until so many tasks of the scope are blocked.
inline void wait_until_blocked(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return probe::blocked_tasks(scope) == count; });
}

} // namespace test
