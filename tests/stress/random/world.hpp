// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "stress/random/observations.hpp"
#include "stress/random/program.hpp"
#include "support/descriptors.hpp"
#include "support/dice.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

namespace test::random {

/// A mutex, and what it guards.
struct guarded_number {
  roost::mutex lock;
  int value = 0;
  bool is_inside = false;
};

/// The primitives of a program that runs.
class world {
 public:
  world(const program& made, observations& what_is_seen)
      : seen(what_is_seen),
        permits(made.shared.permits),
        gate(made.shared.parties),
        on_air(made.shared.kept, made.shared.slow_receivers),
        state(news(what_is_seen, -1, 0)),
        beat(made.shared.period),
        seed(made.seed),
        pauses(made.pauses),
        plans_(made.shared.channels) {
    for (std::size_t i = 0; i < plans_.size(); ++i)
      add(plans_.at(i));
  }

  /// An end to send through; nothing if there is none any more.
  std::optional<roost::sender<item>> to(int channel) const {
    const auto i = static_cast<std::size_t>(channel);
    return plans_.at(i).closes_itself ? weak_.at(i).lock() : kept_.at(i);
  }
  const roost::receiver<item>& from(int channel) const {
    return receivers_.at(static_cast<std::size_t>(channel));
  }
  bool may_drop(int channel) const {
    return plans_.at(static_cast<std::size_t>(channel)).may_drop();
  }

  /// Lets go of the ends by which channels that close themselves stay open. Only the root's body.
  void let_go() {
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (plans_.at(i).closes_itself)
        kept_.at(i).reset();
    }
  }

  /// Notes how all is in the end: nothing runs any more.
  void look_back() {
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      while (auto left = receivers_[i].try_receive())
        left->receive();
      seen.left_waiting += test::waiting(receivers_[i]);
      if (kept_[i])
        seen.left_waiting += test::waiting(*kept_[i]);
    }
    seen.permits = permits.permits();
    seen.permits_back = permits.available();
    seen.left_waiting += test::waiting(permits) + test::waiting(gate);
    for (int i = 0; i < 3; ++i) {
      const auto at = static_cast<std::size_t>(i);
      seen.left_waiting +=
          test::waiting(events[at]) + test::waiting(groups[at]) + test::waiting(guarded[at].lock);
      seen.groups_are_empty = seen.groups_are_empty && groups[at].wait_for(microseconds(0));
      const bool is_free = guarded[at].lock.try_lock();
      seen.mutexes_are_free = seen.mutexes_are_free && is_free;
      if (is_free)
        guarded[at].lock.unlock();
    }
  }

  observations& seen;
  std::array<roost::event, 3> events;
  std::array<roost::wait_group, 3> groups;
  std::array<guarded_number, 3> guarded;
  roost::semaphore permits;
  count permits_held;
  roost::barrier gate;
  roost::broadcast<news> on_air;
  roost::watch<news> state;
  roost::ticker beat;
  two_ends wire = a_socketpair();
  std::stop_source source;
  count frames;
  const std::uint64_t seed;
  const bool pauses;

 private:
  void add(const channel_plan& plan) {
    auto ends = plan.is_unbounded ? roost::make_channel<item>(roost::unbounded)
                : plan.when_full == roost::overflow::block
                    ? roost::make_channel<item>(plan.capacity)
                    : roost::make_channel<item>(plan.capacity, plan.when_full);
    weak_.emplace_back(ends.tx);
    kept_.emplace_back(std::move(ends.tx));
    receivers_.push_back(std::move(ends.rx));
  }

  std::array<channel_plan, 3> plans_;
  std::vector<roost::weak_sender<item>> weak_;
  std::vector<std::optional<roost::sender<item>>> kept_;
  std::vector<roost::receiver<item>> receivers_;
};

/// What a thread is for the scope around: its task, its owner, or something inside of those that a
/// call as for_each runs.
enum class role { task, owner, part };

/// One thread that does the steps of a node.
class frame {
 public:
  frame(world& w, roost::task_scope* around, scope_fate* fate_of_it, role as)
      : in(w),
        seen(w.seen),
        scope(around),
        fate(fate_of_it),
        is(as),
        number(w.frames.add_and_get(1)),
        random(dice(w.seed * 1021 + static_cast<std::uint64_t>(number)).next()) {}

  /// A new item for a channel; its turn is taken by sent(). Nothing if there have been too many.
  std::optional<item> make_item(int channel, int ahead = 0) {
    const int id = take_place(seen.items_made, seen.items);
    if (id < 0)
      return std::nullopt;
    return item(
        seen, id, number, turns_.at(turn_of(channel)) + ahead, channel < 0 || in.may_drop(channel));
  }
  void sent(int channel, int id) noexcept {
    ++turns_.at(turn_of(channel));
    seen.items.at(static_cast<std::size_t>(id)).accepted.add();
  }
  void received(int channel, item&& i) noexcept {
    i.receive();
    int* const last = last_of(channel, i.sender);
    if (last == nullptr)
      return;
    if (i.sequence <= *last)
      seen.out_of_order.add();
    *last = i.sequence;
  }

  /// What is next to be told to all; told by the broadcast, or by the watch.
  news next_on_air() const noexcept { return {seen, number, told_on_air_}; }
  void told_on_air() noexcept { ++told_on_air_; }
  news next_state() const noexcept { return {seen, number, changes_}; }
  void changed() noexcept { ++changes_; }

  world& in;
  observations& seen;
  roost::task_scope* scope; // where it may spawn
  scope_fate* fate;         // of that
  const role is;            // for that
  const int number;
  dice random;

 private:
  struct last_item {
    int channel = 0;
    int sender = 0;
    int sequence = -1;
  };

  static std::size_t turn_of(int channel) noexcept { return static_cast<std::size_t>(channel + 1); }

  /// Null for a sender beyond those that it has room for: to note an item must not fail.
  int* last_of(int channel, int sender) noexcept {
    for (last_item& l : last_) {
      if (l.sender == 0)
        l = {channel, sender, -1};
      if (l.channel == channel && l.sender == sender)
        return &l.sequence;
    }
    return nullptr;
  }

  std::array<int, 4> turns_{}; // of channels; the first is for those of pipelines
  int told_on_air_ = 0;
  int changes_ = 0;
  std::array<last_item, 24> last_{}; // of senders, whose numbers begin with 1
};

/// Between two steps, where the program has pauses.
inline void pause(frame& f) {
  if (!f.in.pauses)
    return;
  switch (f.random.below(8)) {
  case 0:
    std::this_thread::yield();
    break;
  case 1:
  case 2:
    dither(f.random);
    break;
  case 3:
    roost::this_task::sleep_for(microseconds(f.random.below(30)));
    break;
  default:
    break;
  }
}

} // namespace test::random
