#!/usr/bin/env bash
# warnings.sh: no warning comes from our headers, whatever flags their users have, with each compiler and in each
# of the library's modes.
set -euo pipefail
cd "$(dirname "$0")/.."

everyones=(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wextra-semi
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wcast-qual -Wformat=2 -Wundef -Wunused)
gcc=("${everyones[@]}" -Wuseless-cast -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wzero-as-null-pointer-constant
  -Wsuggest-override -Wctor-dtor-privacy -Wredundant-decls)
# All that clang has, but for what would have the library be another one:
clang=(-Weverything
  -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-c++20-compat # it is C++20
  -Wno-padded                    # members are in the order in which they are read
  -Wno-weak-vtables              # header-only: there is no file for a vtable to be in
  -Wno-ctad-maybe-unsupported    # std::lock_guard guard(lock), as the standard means it
  -Wno-switch-enum -Wno-switch-default # a switch names all values, or has a default; these want both
  -Wno-exit-time-destructors     # what a thread leaves is put away when it ends
  -Wno-unsafe-buffer-usage       # views and rings are what it takes for unsafe; bounds are theirs
  -Wno-alloca                    # room for the descriptors of a select, which a wait must not allocate
  -Wno-unknown-warning-option)   # not every version has all of these
bodies=(-Wno-missing-prototypes) # one source defines what only its own bodies call

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The headers, and the code in their comments, which instantiates templates.
find include/roost -maxdepth 1 -name '*.hpp' -printf '#include <roost/%f>\n' | sort >"$tmp/all.cpp"
awk -f tests/snippets/extract.awk README.md include/roost/*.hpp | sed "/^#line/d" >>"$tmp/all.cpp"

# A control: each compiler notices a header that does what it should not.
mkdir "$tmp/roost"
printf '%s\n' '#pragma once' 'inline int narrow(long wide) { return wide; }' >"$tmp/roost/control.hpp"

# check <name> <compiler and flags>...: its warnings about headers.
check() {
  "${@:2}" -std=c++20 -pthread -fsyntax-only -Iinclude -Itests "$tmp/all.cpp" >"$tmp/$1.log" 2>&1 || true
  if grep -E 'error:' "$tmp/$1.log"; then
    echo "warnings: $1 does not compile" && return 1
  fi
  if grep -E -A 4 '^include/.*warning:' "$tmp/$1.log"; then
    echo "warnings: from headers, with ${*:2}" && return 1
  fi
  echo '#include <roost/control.hpp>' | (cd "$tmp" && "${@:2}" -std=c++20 -fsyntax-only -I. -x c++ - 2>&1) |
    grep 'control.hpp.*warning' >/dev/null || # not -q: it would end the compiler before it has said all
    { echo "warnings: $1 does not notice the control" && return 1; }
}

jobs=()
run() { check "$@" & jobs+=($!); if ((${#jobs[@]} % $(nproc) == 0)); then settle; fi; }
faults=0
settle() {
  for job in "${jobs[@]}"; do wait "$job" || faults=1; done
  jobs=()
}
for mode in header_only compiled bodies; do
  case $mode in
  header_only) flags=() more=() ;;
  compiled) flags=(-DROOST_COMPILED) more=() ;;
  bodies) flags=(-DROOST_COMPILED -DROOST_COMPILE_BODIES) more=("${bodies[@]}") ;;
  esac
  run "gcc-$mode" g++ "${gcc[@]}" "${flags[@]}"
  run "clang14-$mode" clang++-14 "${clang[@]}" "${more[@]}" "${flags[@]}"
  run "clang19-$mode" clang++-19 "${clang[@]}" "${more[@]}" "${flags[@]}"
  run "clang19-libc++-$mode" clang++-19 -stdlib=libc++ -fexperimental-library "${clang[@]}" "${more[@]}" "${flags[@]}"
done
settle
((faults == 0)) && echo "warnings: none"
exit $faults
