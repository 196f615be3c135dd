// SPDX-License-Identifier: BSL-1.0
#pragma once

// The only place where the version is written; CMakeLists.txt reads it from here.
// Until 1.0 a new MINOR may change the interface, a new PATCH may not.
#define ROOST_VERSION_MAJOR 0
#define ROOST_VERSION_MINOR 1
#define ROOST_VERSION_PATCH 0
