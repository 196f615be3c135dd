# SPDX-License-Identifier: BSL-1.0
# roost_run_test(<name> COMMAND <program> [args...] LABELS <label>...
#                [EXIT <code>|abort] [STDOUT <regex>] [STDERR <regex>] [OUTPUT_OF <source>]
#                [ENVIRONMENT <NAME=value>...] [TIMEOUT <seconds>])
#
# Adds a ctest that runs the program and wants all of it: the exit code (0 unless told; `abort` for
# std::terminate and its like), the texts on stdout and stderr, and with OUTPUT_OF exactly the
# output that the source file lists in its last lines, after "// Output:".
# Both tests/ and examples/ use it. Regexes are CMake's; write a dot for a semicolon or a bracket.
function(roost_run_test name)
  cmake_parse_arguments(arg "" "EXIT;STDOUT;STDERR;OUTPUT_OF;TIMEOUT" "COMMAND;LABELS;ENVIRONMENT"
                        ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "roost_run_test(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(wants "")
  foreach(want IN ITEMS EXIT STDOUT STDERR OUTPUT_OF)
    if(DEFINED arg_${want})
      list(APPEND wants "-D${want}=${arg_${want}}")
    endif()
  endforeach()
  if(NOT DEFINED arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME "${name}"
           COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=${arg_COMMAND}" ${wants}
                   -P "${PROJECT_SOURCE_DIR}/tests/support/check_program.cmake")
  set_tests_properties(
    "${name}" PROPERTIES LABELS "${arg_LABELS}" ENVIRONMENT "${arg_ENVIRONMENT}"
                         TIMEOUT "${arg_TIMEOUT}")
endfunction()
