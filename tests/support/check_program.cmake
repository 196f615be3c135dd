# SPDX-License-Identifier: BSL-1.0
# Runs PROGRAM (a list) and compares what it did with EXIT, STDOUT, STDERR and OUTPUT_OF; see
# run_test.cmake.
cmake_minimum_required(VERSION 3.21)

execute_process(
  COMMAND ${PROGRAM}
  RESULT_VARIABLE exit
  OUTPUT_VARIABLE stdout
  ERROR_VARIABLE stderr)

set(faults "")
if(NOT DEFINED EXIT)
  set(EXIT 0)
elseif(EXIT STREQUAL "abort")
  set(EXIT "Subprocess aborted")
endif()
if(NOT exit STREQUAL EXIT)
  string(APPEND faults "the exit code must be: ${EXIT}\n")
endif()
if(DEFINED STDOUT AND NOT stdout MATCHES "${STDOUT}")
  string(APPEND faults "stdout must match: ${STDOUT}\n")
endif()
if(DEFINED STDERR AND NOT stderr MATCHES "${STDERR}")
  string(APPEND faults "stderr must match: ${STDERR}\n")
endif()

if(DEFINED OUTPUT_OF)
  file(READ "${OUTPUT_OF}" source)
  set(marker "\n// Output:\n")
  string(FIND "${source}" "${marker}" begin REVERSE)
  if(begin EQUAL -1)
    string(APPEND faults "the source must end with '// Output:' and the lines, each after '//   '\n")
  else()
    string(LENGTH "${marker}" length)
    math(EXPR begin "${begin} + ${length}")
    string(SUBSTRING "${source}" ${begin} -1 expected)
    string(REGEX REPLACE "\n//(   )?" "\n" expected "\n${expected}")
    string(SUBSTRING "${expected}" 1 -1 expected)
    if(NOT stdout STREQUAL expected)
      string(APPEND faults "stdout must be exactly:\n${expected}")
    endif()
  endif()
endif()

if(NOT faults STREQUAL "")
  message("${faults}--- exit code: ${exit}\n--- stdout:\n${stdout}\n--- stderr:\n${stderr}")
  message(FATAL_ERROR "the program did not do what it must")
endif()
