// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>

#include <thread>
#include <utility>

namespace roost::inline v0::detail {

namespace sync {

/// What start_thread() returns. Its destructor joins the thread.
class thread {
 public:
  thread() = default;
  thread(std::jthread&& started, bubble_thread* in_bubble) noexcept
      : thread_(std::move(started)),
        in_bubble_(in_bubble) {}
  thread(thread&& other) noexcept
      : thread_(std::move(other.thread_)),
        in_bubble_(std::exchange(other.in_bubble_, nullptr)) {}
  thread& operator=(thread&& other) noexcept {
    thread taken(std::move(other));
    std::swap(thread_, taken.thread_);
    std::swap(in_bubble_, taken.in_bubble_);
    return *this;
  }
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;
  ~thread() {
    if (joinable())
      join();
  }

  bool joinable() const noexcept { return thread_.joinable(); }
  void join() {
    if (in_bubble_ != nullptr)
      in_bubble_->await_end();
    thread_.join();
    if (in_bubble_ != nullptr)
      std::exchange(in_bubble_, nullptr)->joined();
  }

 private:
  std::jthread thread_;
  bubble_thread* in_bubble_ = nullptr; // null: it is in none
};

/// A thread that a thread of a bubble starts is in that bubble.
struct thread_body {
  void (*run)(void* on);
  void* on;
  bubble_thread* in_bubble;

  void operator()() const {
    if (in_bubble == nullptr) {
      run(on);
      return;
    }
    bubble_here = in_bubble;
    in_bubble->begin();
    run(on);
    in_bubble->end();
    bubble_here = nullptr;
  }
};

} // namespace sync

/// Runs `run(on)` on a new thread, which is in the bubble of `of` unless that is null. All threads
/// of roost start here, with one type of callable: for each further one, the insides of
/// std::jthread would be compiled again in each file that includes roost.
[[gnu::cold]] inline sync::thread
start_thread(void (*run)(void* on), void* on, sync::bubble_thread* of) {
  sync::bubble_thread* const in_bubble = of != nullptr ? &of->add_thread() : nullptr;
  try {
    return {std::jthread(sync::thread_body{run, on, in_bubble}), in_bubble};
  } catch (...) {
    if (in_bubble != nullptr) {
      in_bubble->end();
      in_bubble->joined();
    }
    throw;
  }
}

} // namespace roost::inline v0::detail
