# SPDX-License-Identifier: BSL-1.0
# Writes the whole library as one header:
#   cmake -DINCLUDE=<dir> -DOUTPUT=<file> -DVERSION=<x.y.z> -P single_header.cmake
# Each #include <roost/...> gives way to the file it names, the first time it is met; the standard's
# includes stay where they are. A header that roost.hpp leaves out comes beside it, under its own name
# in a folder roost/, with what it needs beyond roost.hpp.
cmake_minimum_required(VERSION 3.21)

# Sets `expanded` in the caller to the text of a header, nothing if it was taken before.
function(expand header)
  set(expanded "" PARENT_SCOPE)
  get_property(taken GLOBAL PROPERTY taken)
  if(header IN_LIST taken)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY taken "${header}")

  file(READ "${INCLUDE}/${header}" rest)
  string(PREPEND rest "\n")
  string(REGEX REPLACE "\n(// SPDX-License-Identifier:|#pragma once)[^\n]*" "" rest "${rest}")
  set(text "\n\n// ---- ${header} ----\n")
  while(rest MATCHES "\n#include <(roost/[^>\n]+)>[^\n]*")
    set(line "${CMAKE_MATCH_0}")
    set(inner "${CMAKE_MATCH_1}")
    string(FIND "${rest}" "${line}" begin)
    string(LENGTH "${line}" length)
    math(EXPR end "${begin} + ${length}")
    string(SUBSTRING "${rest}" 0 ${begin} before)
    string(SUBSTRING "${rest}" ${end} -1 rest)
    expand("${inner}")
    string(APPEND text "${before}${expanded}")
  endwhile()
  set(expanded "${text}${rest}" PARENT_SCOPE)
endfunction()

# Writes a header into a file, after some lines.
function(write_single header file)
  expand(${header})
  string(PREPEND expanded "// SPDX-License-Identifier: BSL-1.0\n"
         "// roost ${VERSION} in one file, made from its headers: change those, not this.\n"
         "#pragma once\n" ${ARGN})
  string(REGEX REPLACE "\n\n\n+" "\n\n" expanded "${expanded}")
  file(WRITE "${file}" "${expanded}")
endfunction()

write_single(roost.hpp "${OUTPUT}")
get_property(in_roost GLOBAL PROPERTY taken)
cmake_path(GET OUTPUT PARENT_PATH folder)
file(GLOB headers RELATIVE "${INCLUDE}" "${INCLUDE}/roost/*.hpp")
list(REMOVE_ITEM headers ${in_roost})
foreach(header IN LISTS headers)
  set_property(GLOBAL PROPERTY taken "${in_roost}")
  write_single(${header} "${folder}/${header}" "#include \"../roost.hpp\"\n")
endforeach()
