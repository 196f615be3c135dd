// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/mutex.hpp>

#include "model/runtime.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace roost::inline v0::detail::sync {

/// A condition variable whose operations are steps of the model.
class condition_variable {
 public:
  condition_variable() = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  void notify_one(model::place at = model::place::here()) noexcept {
    model::notify(this, false, at);
  }
  void notify_all(model::place at = model::place::here()) noexcept {
    model::notify(this, true, at);
  }

  void wait(std::unique_lock<mutex>& lock, model::place at = model::place::here()) noexcept {
    model::wait(this, lock.mutex()->word(), model::never, at);
  }
  template <class Ready>
  void wait(std::unique_lock<mutex>& lock, Ready ready, model::place at = model::place::here()) {
    while (!ready())
      wait(lock, at);
  }
  std::cv_status wait_until(std::unique_lock<mutex>& lock,
                            std::chrono::steady_clock::time_point deadline,
                            model::place at = model::place::here()) noexcept {
    return model::wait(this, lock.mutex()->word(), deadline.time_since_epoch().count(), at)
               ? std::cv_status::no_timeout
               : std::cv_status::timeout;
  }
};

} // namespace roost::inline v0::detail::sync
