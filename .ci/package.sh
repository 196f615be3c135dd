#!/usr/bin/env bash
# package.sh [cxx]: takes a copy of the tree, as a tarball holds it, and builds the projects in
# tests/package against it: as a subdirectory, installed, and as a single file.
set -euo pipefail
cd "$(dirname "$0")/.."

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
.ci/copy_tree.sh "$temp/roost"
cmake -S "$temp/roost" -B "$temp/build" -DCMAKE_CXX_COMPILER="${1:-g++}" -DROOST_BUILD_EXAMPLES=OFF
ctest --test-dir "$temp/build" -L package --output-on-failure --no-tests=error

# The installed tree is the headers, the package files, the licence, and the commands for gdb.
diff <(cd "$temp/build/tests/package/prefix" && find . -type f | sort) - <<END
$({
  cd include && find . -type f -name '*.hpp' | sed 's|^\.|./include|'
  printf './share/cmake/roost/roost-%s.cmake\n' config config-version targets
  echo ./share/doc/roost/LICENSE
  echo ./share/roost/roost.py
} | sort)
END
