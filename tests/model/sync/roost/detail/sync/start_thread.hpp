// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>

#include "model/runtime.hpp"

#include <utility>

namespace roost::inline v0::detail {

namespace sync {

/// A thread of the model. Joined in the end.
class thread {
 public:
  thread() = default;
  explicit thread(int id) noexcept : id_(id) {}
  thread(thread&& other) noexcept : id_(std::exchange(other.id_, none)) {}
  thread& operator=(thread&& other) noexcept {
    thread taken(std::move(other));
    std::swap(id_, taken.id_);
    return *this;
  }
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;
  ~thread() {
    if (joinable())
      join();
  }

  bool joinable() const noexcept { return id_ != none; }
  void join() noexcept { model::join(std::exchange(id_, none)); }

 private:
  static constexpr int none = -1;

  int id_ = none;
};

} // namespace sync

inline sync::thread start_thread(void (*run)(void* on), void* on, sync::bubble_thread* = nullptr) {
  return sync::thread(model::start_thread(run, on));
}

} // namespace roost::inline v0::detail
