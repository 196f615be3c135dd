#!/usr/bin/env bash
# release.sh <tag> <folder>: checks that the tag fits, and writes the files of a release into the folder: the single
# header alone and with the headers beside it, the packages, and changes.md, what the README says of the version.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(.ci/version.sh "$1")
mkdir -p "$2"
files=$(cd "$2" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

cmake -S . -B "$temp/build" -DROOST_BUILD_TESTS=OFF -DROOST_BUILD_EXAMPLES=OFF
cmake --build "$temp/build" --target roost_single_header
cp "$temp/build/single_include/roost.hpp" "$files"
single=roost-$version-single-header
cp -r "$temp/build/single_include" "$temp/$single"
cp LICENSE "$temp/$single"
tar -czf "$files/$single.tar.gz" -C "$temp" "$single"
for generator in TGZ DEB; do
  cpack --config "$temp/build/CPackConfig.cmake" -B "$temp/packages" -G $generator
done
cp "$temp/packages"/*.tar.gz "$temp/packages"/*.deb "$files"
awk -v heading="### $version, " '
  index($0, heading) == 1 { on = 1; next }
  on && (/^#/ || /^Until /) { exit }
  on' README.md >"$files/changes.md"

# The single header works as it is handed out.
c++ -std=c++20 -pthread -I "$files" tests/package/add_subdirectory/main.cpp -o "$temp/app"
"$temp/app"
