// SPDX-License-Identifier: BSL-1.0
#pragma once

// How long a thread looks on before it sleeps is a matter of speed. So here it looks once: each
// look more would be one more place to change threads at. The library's own is there, under another
// name.

#pragma GCC system_header // of #include_next

#include <utility>

#define short_wait usual_short_wait
#include_next <roost/detail/wait/short_wait.hpp>
#undef short_wait

namespace roost::inline v0::detail {

class short_wait {
 public:
  static short_wait over() noexcept {
    short_wait passed;
    passed.is_over_ = true;
    return passed;
  }

  template <class Ready>
  bool until(Ready ready, int apart = 1) noexcept {
    (void)apart;
    return !std::exchange(is_over_, true) && ready();
  }
  template <class Ready>
  bool until_called(Ready ready) noexcept {
    return until(ready);
  }

 private:
  bool is_over_ = false;
};

} // namespace roost::inline v0::detail
