// SPDX-License-Identifier: BSL-1.0
#pragma once

// The only place where the version is written; CMakeLists.txt reads it from here.

/// A new one may change the interface.
#define ROOST_VERSION_MAJOR 0
/// Until 1.0 a new one may change the interface.
#define ROOST_VERSION_MINOR 1
/// A new one changes no interface.
#define ROOST_VERSION_PATCH 0
