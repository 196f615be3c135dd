// SPDX-License-Identifier: BSL-1.0
#pragma once

// The portable sleep is the library's own, on the lock and the condition variable of the model. The
// other one is the kernel's, so the model has one of the same meaning.

#pragma GCC system_header // of #include_next

#include <roost/detail/sync/condition_variable.hpp> // all that the other one includes

#include "model/runtime.hpp"

#if __has_include(<linux/futex.h>) && __has_include(<sys/syscall.h>)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#pragma push_macro("SYS_futex")
#undef SYS_futex
#define word_sleep portable_default
#include_next <roost/detail/sync/word_sleep.hpp>
#undef word_sleep
#pragma pop_macro("SYS_futex")

namespace roost::inline v0::detail {

class model_word_sleep {
 public:
  void wait_while(const sync::atomic<std::uint32_t>& word,
                  std::uint32_t value,
                  clock::time_point deadline,
                  model::place at = model::place::here()) noexcept {
    model::wait_while(word.word(), value, deadline.time_since_epoch().count(), at);
  }
  void wake(const sync::atomic<std::uint32_t>& word,
            model::place at = model::place::here()) noexcept {
    model::wake(word.word(), at);
  }
};
using word_sleep = model_word_sleep;

} // namespace roost::inline v0::detail
