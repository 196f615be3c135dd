# SPDX-License-Identifier: BSL-1.0
# Compiles SOURCE with COMPILE (a list: compiler and flags) and the header PRECOMPILED. The source says at its top
# what must come of it:
#   // expect: <regex>     it is refused, and the compiler's words match; several such lines must all match
#   // at-most: <n> lines  that is all the compiler says
#   // never: <regex>      the compiler says nothing that matches, though it compiles
#   // flags: <flag>...    further ones for the compiler, which then leaves PRECOMPILED out
#   // expect-success      it compiles
cmake_minimum_required(VERSION 3.21)

file(READ "${SOURCE}" top LIMIT 2000)
set(flags -include "${PRECOMPILED}")
if(top MATCHES "// flags: ([^\n]*)")
  separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_1}")
endif()
execute_process(
  COMMAND ${COMPILE} ${flags} "${SOURCE}"
  RESULT_VARIABLE exit
  OUTPUT_VARIABLE words
  ERROR_VARIABLE words)

if(top MATCHES "// expect-success\n")
  if(NOT exit EQUAL 0)
    message("${words}")
    message(FATAL_ERROR "must compile, but is refused")
  endif()
  if(top MATCHES "// never: ([^\n]*)")
    if(words MATCHES "${CMAKE_MATCH_1}")
      message("${words}")
      message(FATAL_ERROR "compiles, but with the warning '${CMAKE_MATCH_0}'")
    endif()
  endif()
  return()
endif()

if(NOT top MATCHES "// expect: ")
  message(FATAL_ERROR "has no '// expect: <regex>' line at its top")
endif()
if(exit EQUAL 0)
  message(FATAL_ERROR "compiles, but must be refused")
endif()
if(top MATCHES "// at-most: ([0-9]+) lines\n")
  set(most "${CMAKE_MATCH_1}")
  string(REGEX MATCHALL "\n" ends "${words}")
  list(LENGTH ends lines)
  if(lines GREATER most)
    message("${words}")
    message(FATAL_ERROR "is refused in ${lines} lines, which are more than ${most}")
  endif()
endif()
while(top MATCHES "// expect: ([^\n]*)")
  set(line "${CMAKE_MATCH_0}")
  set(expected "${CMAKE_MATCH_1}")
  if(NOT words MATCHES "${expected}")
    message("${words}")
    message(FATAL_ERROR "is refused in other words than '${expected}'")
  endif()
  string(REPLACE "${line}" "" top "${top}")
endwhile()
