// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>

namespace roost::inline v0::detail::sync {

/// For a sync::mutex. See mutex.hpp.
using condition_variable = std::condition_variable;

} // namespace roost::inline v0::detail::sync
