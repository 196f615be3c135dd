#!/usr/bin/env bash
# module.sh [clang++]: the module has every public name of the headers; it compiles as .github/PACKAGING.md says, and
# a program that imports it runs. With $ROOST_CMAKE, a cmake of version 3.28 or later, also by the option ROOST_MODULE.
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

# The commands of .github/PACKAGING.md, in a folder that has the tree as `roost` and a main.cpp. What they call
# clang++-19 is the compiler in question, with warnings.
mkdir "$temp/bin"
cat >"$temp/bin/clang++-19" <<END
#!/bin/sh
exec "$(command -v "$cxx")" -O1 -Wall -Wextra -Werror "\$@"
END
chmod +x "$temp/bin/clang++-19"
ln -s "$PWD" "$temp/roost"
cp tests/module/main.cpp "$temp"
by_hand=$(.ci/block.sh .github/PACKAGING.md module_by_hand)
(cd "$temp" && PATH="$temp/bin:$PATH" bash -euo pipefail -xc "$by_hand")
"$temp/app"

if [[ -n ${ROOST_CMAKE-} ]]; then
  "$ROOST_CMAKE" -G Ninja -S tests/module -B "$temp/build" -DCMAKE_CXX_COMPILER="$cxx" -DROOST_DIR="$PWD"
  "$ROOST_CMAKE" --build "$temp/build"
  "$temp/build/app"
fi
