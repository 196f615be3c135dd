// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <mutex>

namespace roost::inline v0::detail::sync {

/// A lock whose operations are steps of the model.
class mutex {
 public:
  constexpr mutex() noexcept = default;
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  void lock(model::place at = model::place::here()) noexcept { model::lock(word_, at); }
  bool try_lock(model::place at = model::place::here()) noexcept {
    return model::try_lock(word_, at);
  }
  void unlock(model::place at = model::place::here()) noexcept { model::unlock(word_, at); }

  model::mutex_word& word() noexcept { return word_; }

 private:
  model::mutex_word word_;
};

} // namespace roost::inline v0::detail::sync
