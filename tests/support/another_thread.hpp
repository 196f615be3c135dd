// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace test {

/// True where the process has a thread that is not the test's: ThreadSanitizer starts one.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool has_another_thread = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool has_another_thread = true;
#else
inline constexpr bool has_another_thread = false;
#endif
#else
inline constexpr bool has_another_thread = false;
#endif

} // namespace test
