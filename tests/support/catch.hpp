// SPDX-License-Identifier: BSL-1.0
#pragma once

// Catch2, whichever major is installed. The tests keep to what both have: TEST_CASE, SECTION,
// CHECK, REQUIRE, CHECK_THROWS_AS, STATIC_REQUIRE, GENERATE, TEMPLATE_TEST_CASE, INFO.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
