// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>

namespace roost::inline v0::detail::sync {

/// Every atomic of roost. See mutex.hpp.
template <class T>
using atomic = std::atomic<T>;

} // namespace roost::inline v0::detail::sync
