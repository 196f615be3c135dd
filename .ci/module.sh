#!/usr/bin/env bash
# module.sh [clang++]: the module has every public name of the headers, it compiles, and a program that imports it
# runs. With $ROOST_CMAKE, a cmake of version 3.28 or later, also by the option ROOST_MODULE.
set -euo pipefail
cd "$(dirname "$0")/.."
cxx=${1:-clang++-19}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
export LC_ALL=C

if ! diff <(sed -nE 's/^using (roost::.*);$/\1/p' include/roost.cppm | sort) <(.ci/public_names.sh "$cxx"); then
  echo "module.sh: include/roost.cppm (<) does not export just the public names of the headers (>)" >&2
  exit 1
fi

flags=(-std=c++20 -pthread -O1 -Wall -Wextra -Werror)
"$cxx" "${flags[@]}" -Iinclude --precompile -x c++-module include/roost.cppm -o "$temp/roost.pcm"
"$cxx" -c "$temp/roost.pcm" -o "$temp/roost.o"
"$cxx" "${flags[@]}" -fmodule-file=roost="$temp/roost.pcm" -c tests/module/main.cpp -o "$temp/main.o"
"$cxx" -pthread "$temp/main.o" "$temp/roost.o" -o "$temp/app"
"$temp/app"

if [[ -n ${ROOST_CMAKE-} ]]; then
  "$ROOST_CMAKE" -G Ninja -S tests/module -B "$temp/build" -DCMAKE_CXX_COMPILER="$cxx" -DROOST_DIR="$PWD"
  "$ROOST_CMAKE" --build "$temp/build"
  "$temp/build/app"
fi
