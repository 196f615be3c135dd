// SPDX-License-Identifier: BSL-1.0
#pragma once

// Where function bodies are compiled, unless they are templates or on a short path.
//
//     header-only, the default    in each file that includes roost: ROOST_BODY is `inline`
//     compiled                    once, in the library of the CMake target roost::compiled
//
// The target defines ROOST_COMPILED for its users, and ROOST_COMPILE_BODIES for its one source. A
// header wraps such bodies in `#if ROOST_HAS_BODIES`. ROOST_COLD_BODY is the same for functions
// that seldom run: they are compiled for size.
#if !defined(ROOST_COMPILED)
#define ROOST_HAS_BODIES 1
#define ROOST_BODY inline
#define ROOST_COLD_BODY [[gnu::cold]] inline
#elif defined(ROOST_COMPILE_BODIES)
#define ROOST_HAS_BODIES 1
#define ROOST_BODY
#define ROOST_COLD_BODY [[gnu::cold]]
#else
#define ROOST_HAS_BODIES 0
#define ROOST_BODY
#define ROOST_COLD_BODY [[gnu::cold]]
#endif

namespace roost::inline v0::detail {

// Files of both kinds in one program do not link, because this variable is thread_local in one kind
// and not in the other. Microsoft's linker compares texts instead.
#if defined(_MSC_VER) && !defined(ROOST_COMPILED)
#pragma detect_mismatch("one_kind_of_roost_in_a_program", "in each file")
#elif defined(_MSC_VER)
#pragma detect_mismatch("one_kind_of_roost_in_a_program", "roost::compiled")
#elif !defined(ROOST_COMPILED)
[[gnu::used]] inline thread_local constinit char one_kind_of_roost_in_a_program = 0;
#else
extern char one_kind_of_roost_in_a_program;
[[gnu::used]] inline char* const kind_of_this_file = &one_kind_of_roost_in_a_program;
#if defined(ROOST_COMPILE_BODIES)
char one_kind_of_roost_in_a_program = 0;
#endif
#endif

} // namespace roost::inline v0::detail
