#!/usr/bin/env bash
# package.sh [cxx]: takes a copy of the tree, as a tarball holds it, and builds the projects in
# tests/package against it: as a subdirectory, installed, and as a single file. Then it does what
# README.md and .github/PACKAGING.md tell users to do, block by block.
#
# CPM, vcpkg and Conan are used where they are: $ROOST_CPM is the path of a CPM.cmake, $VCPKG_ROOT a folder
# of vcpkg that is ready for use, and `conan` is in PATH. What is not there is said in the last line.
set -euo pipefail
cd "$(dirname "$0")/.."
tree=$PWD

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
.ci/copy_tree.sh "$temp/roost"
export CXX=${1:-g++}
cmake -S "$temp/roost" -B "$temp/build" -DROOST_BUILD_EXAMPLES=OFF
ctest --test-dir "$temp/build" -L package --output-on-failure --no-tests=error

# The installed tree is the headers and the module's source, the package files, the licence, and the commands for gdb.
expected() {
  cd "$tree/include" && find . -type f -name '*.[hc]pp*' | sed 's|^\.|./include|'
  printf './share/cmake/roost/roost-%s.cmake\n' config config-version targets
  echo ./share/pkgconfig/roost.pc
  echo ./share/doc/roost/LICENSE
  echo ./share/roost/roost.py
}
installed() { (cd "$1" && find . -type f | sort); }
diff <(installed "$temp/build/tests/package/prefix") <(expected | sort)

# --- what the two pages say ----------------------------------------------------

# A repository with the tag of this version.
version=$(.ci/version.sh)
git() { command git -C "$temp/roost" -c user.name=ci -c user.email=ci@localhost -c init.defaultBranch=main "$@"; }
git init -q
git add -A
git commit -qm "all"
git tag "v$version"
block() {
  local page=.github/PACKAGING.md
  [[ $1 != add_subdirectory ]] || page=README.md
  .ci/block.sh "$page" "$1" | sed "s|<repository>|file://$temp/roost|; s|<tag>|v$version|
    s|<version>|$version|; s|<commit>|$(git rev-parse HEAD)|"
}
step() { printf -- '--- %s\n' "$*"; }
missing=()

# project <name> <cmake argument>...: builds and runs the CMakeLists.txt of the block <name>.
project() {
  mkdir -p "$temp/$1"
  cp tests/package/add_subdirectory/main.cpp "$temp/$1"
  block "$1" >"$temp/$1/CMakeLists.txt"
  cmake -S "$temp/$1" -B "$temp/$1/build" "${@:2}" >"$temp/log" 2>&1 &&
    cmake --build "$temp/$1/build" >"$temp/log" 2>&1 || { cat "$temp/log" && return 1; }
  "$temp/$1/build/app"
}
# commands <name>: runs the commands of the block <name> where the tree is the folder `roost`.
commands() { (cd "$temp" && prefix=$temp/prefix bash -euo pipefail -xc "$(cd "$tree" && block "$1")" >/dev/null); }

step "as a subdirectory"
mkdir "$temp/add_subdirectory"
ln -s "$temp/roost" "$temp/add_subdirectory/roost"
project add_subdirectory

step "FetchContent, by git and with a copy"
project fetch_content
cmake -S "$temp/fetch_content" -B "$temp/fetched" "-DFETCHCONTENT_SOURCE_DIR_ROOST=$temp/roost" >/dev/null
grep -q "^roost_SOURCE_DIR:STATIC=$temp/roost$" "$temp/fetched/CMakeCache.txt"

step "CPM"
mkdir -p "$temp/cpm/cmake"
if [[ -n ${ROOST_CPM-} ]]; then
  cp "$ROOST_CPM" "$temp/cpm/cmake/CPM.cmake"
  CPM_SOURCE_CACHE='' project cpm
else # its call is one of FetchContent's in other words
  missing+=(CPM)
  cat >"$temp/cpm/cmake/CPM.cmake" <<'END'
include(FetchContent)
macro(CPMAddPackage key name)
  if(NOT "${key}" STREQUAL NAME)
    message(FATAL_ERROR "CPMAddPackage(NAME <name> ...), not CPMAddPackage(${key} ...)")
  endif()
  FetchContent_Declare(${name} ${ARGN})
  FetchContent_MakeAvailable(${name})
endmacro()
END
  block cpm >"$temp/cpm/CMakeLists.txt"
  touch "$temp/cpm/main.cpp"
  cmake -S "$temp/cpm" -B "$temp/cpm/build" >/dev/null
fi

step "installed, and moved: find_package, pkg-config"
commands install
mv "$temp/prefix" "$temp/moved"
prefix=$temp/moved
project find_package "-DCMAKE_PREFIX_PATH=$prefix"
cp tests/package/add_subdirectory/main.cpp "$temp"
if command -v pkg-config >/dev/null; then
  (cd "$temp" && PATH="$temp/bin:$PATH" && mkdir -p bin && ln -sf "$(command -v "$CXX")" bin/c++ &&
    prefix=$prefix bash -euo pipefail -xc "$(cd "$tree" && block pkg_config)" && ./app)
  [[ $(PKG_CONFIG_PATH=$prefix/share/pkgconfig pkg-config --modversion roost) == "$version" ]]
else
  missing+=(pkg-config)
fi

step "CPack"
rm -rf "$temp/roost-build"
commands cpack
mkdir "$temp/tgz"
tar -xzf "$temp/packages/roost-$version.tar.gz" -C "$temp/tgz"
diff <(installed "$temp/tgz/roost-$version") <(expected | sort)
dpkg -x "$temp/packages/libroost-dev_${version}_all.deb" "$temp/deb"
diff <(installed "$temp/deb/usr") <(expected | sort)
rm -rf "$temp/find_package"
project find_package "-DCMAKE_PREFIX_PATH=$temp/deb/usr"

step "vcpkg"
mkdir -p "$temp/ports/roost"
block vcpkg.json >"$temp/ports/roost/vcpkg.json"
block portfile.cmake >"$temp/ports/roost/portfile.cmake"
if [[ -n ${VCPKG_ROOT-} ]]; then
  "$VCPKG_ROOT/vcpkg" install roost --overlay-ports="$temp/ports" --x-install-root="$temp/vcpkg"
  rm -rf "$temp/find_package"
  project find_package "-DCMAKE_PREFIX_PATH=$(dirname "$temp"/vcpkg/*/include)"
else
  missing+=(vcpkg)
  python3 -m json.tool "$temp/ports/roost/vcpkg.json" >/dev/null
  # Its functions stand for their names here: the file is read, and calls no others.
  {
    for name in from_git cmake_configure cmake_install cmake_config_fixup fixup_pkgconfig install_copyright; do
      echo "function(vcpkg_$name)"$'\n'"endfunction()"
    done
    cat "$temp/ports/roost/portfile.cmake"
  } >"$temp/portfile.cmake"
  cmake -P "$temp/portfile.cmake"
fi

step "Conan"
mkdir -p "$temp/conan"
block conanfile.py >"$temp/conan/conanfile.py"
if command -v conan >/dev/null; then
  export CONAN_HOME=$temp/conan_home
  conan profile detect
  conan create "$temp/conan" -s compiler.cppstd=20
  (cd "$temp" && conan install --requires="roost/$version" -g CMakeDeps -g CMakeToolchain -s compiler.cppstd=20 -of conan_files)
  rm -rf "$temp/find_package"
  project find_package "-DCMAKE_TOOLCHAIN_FILE=$temp/conan_files/conan_toolchain.cmake" -DCMAKE_BUILD_TYPE=Release
else
  missing+=(Conan)
  python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$temp/conan/conanfile.py"
fi

echo "package: fine${missing:+, but only read, as they are not here: ${missing[*]}}"
