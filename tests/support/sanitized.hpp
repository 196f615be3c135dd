// SPDX-License-Identifier: BSL-1.0
#pragma once

// ROOST_TEST_SANITIZED is defined where AddressSanitizer or ThreadSanitizer is at work.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROOST_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define ROOST_TEST_SANITIZED 1
#endif
#endif
