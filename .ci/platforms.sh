#!/usr/bin/env bash
# platforms.sh <step>...: compilers and systems beside those that .ci/run tests in full.
#   quick     one program, built in each of these ways, and one with what the headers do where there is no Linux;
#             .ci/run has this step
# and, with many minutes each, all unit tests (those in brackets: the stress tests, too):
#   m32       32 bit words, g++                     [stress]
#   aarch64   cross g++, run by qemu-user           [stress, but for those of memory; a tenth of the rounds]
#   windows   g++-mingw-w64-x86-64-posix, run by wine; without the tests that need POSIX
#   clang-16  clang 16
#   checked   g++ with _GLIBCXX_DEBUG and _GLIBCXX_ASSERTIONS
#   c++23     g++ with -std=c++23
# `platforms.sh packages <step>...` prints what Debian has to install for them.
set -euo pipefail
cd "$(dirname "$0")/.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
jobs=$(nproc)
say() { printf -- '--- %s\n' "$*"; }

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wextra-semi -Werror)
# Without the package gcc-multilib, which no cross compiler tolerates beside it, these headers are not found.
words_of_32_bits=(-m32 -idirafter /usr/include/x86_64-linux-gnu)
windows=x86_64-w64-mingw32-g++-posix
wine() {
  local wine
  wine=$(command -v wine64 || command -v wine || ls /usr/lib/wine/wine64 2>/dev/null) || return 3
  WINEDEBUG=-all WINEPREFIX=${WINEPREFIX:-$HOME/.wine-roost} "$wine" "$@"
}

packages() {
  local step
  for step in "$@"; do
    case $step in
    quick) echo lib32stdc++-12-dev libc6-dev-i386 g++-mingw-w64-x86-64-posix clang-19 ;;
    m32) echo lib32stdc++-12-dev libc6-dev-i386 ;;
    aarch64) echo g++-aarch64-linux-gnu qemu-user ;;
    windows) echo g++-mingw-w64-x86-64-posix wine64 ;;
    clang-16) echo clang-16 ;;
    *) ;;
    esac
  done
  echo g++ cmake make catch2
}

# --- one program ----------------------------------------------------------------

# program <name> <command that runs it>... -- <compiler> <flag>...: builds it in that way, and runs it.
program() {
  local name=$1 run=()
  shift
  while [[ $1 != -- ]]; do run+=("$1") && shift; done
  say "$name"
  "$2" "${warnings[@]}" "${@:3}" -pthread -Iinclude "$temp/program.cpp" -o "$temp/program.exe"
  [[ ${run[*]-} == not ]] || "${run[@]}" "$temp/program.exe"
}
quick() {
  {
    echo '#include <roost/testing.hpp>'
    echo '#include <roost/trace.hpp>'
    echo '#if __has_include(<poll.h>)'
    echo '#include <roost/posix.hpp>'
    echo '#endif'
    cat tests/package/add_subdirectory/main.cpp
  } >"$temp/program.cpp"
  program "-fno-rtti" -- g++ -std=c++20 -fno-rtti
  program "C++23, g++" -- g++ -std=c++23
  program "C++23, clang 19" -- clang++-19 -std=c++23 -Wno-shadow # see CMakeLists.txt
  program "checked by the library" -- g++ -std=c++20 -D_GLIBCXX_DEBUG -D_GLIBCXX_ASSERTIONS
  program "32 bit words" -- g++ -std=c++20 "${words_of_32_bits[@]}"
  program "Windows, compiled and linked" not -- $windows -std=c++20 -static
  portable
  # Where there are no exceptions one line says so; tests/rejects has the words for the other compilers.
  say "-fno-exceptions"
  ! g++ -std=c++20 -fno-exceptions -Iinclude -fsyntax-only -include roost.hpp -x c++ /dev/null 2>"$temp/words"
  [[ $(grep -c ' error: ' "$temp/words") == 1 && $(<"$temp/words") == *"roost needs exceptions"* ]]
}

# Where the system has only what POSIX has, and the library only what the standard has: in a copy of the headers,
# what they ask of Linux and of g++'s library is answered by no. So their ways without it are compiled, and run.
of_linux='__has_include\(<(sys/(eventfd|epoll|signalfd|syscall)|linux/futex|sched|cxxabi)\.h>\)'
of_linux+='|defined\((__linux__|__GLIBCXX__|CPU_COUNT|SYS_futex)\)'
needed='__has_include\(<(poll|unistd|pthread)\.h>\)' # by posix.hpp, and by mingw
portable() {
  cp -r include "$temp/portable"
  find "$temp/portable" -name '*.hpp' -exec sed -i -E "s#$of_linux#0#g" {} +
  if grep -rnE '__has_include|__linux__' "$temp/portable" | sed -E "s#$needed##g" | grep -E '__has_include|__linux__'; then
    echo "platforms.sh: a header asks for what is not listed here: its way without that is not tested" && return 1
  fi
  say "without what is Linux's"
  g++ -std=c++20 "${warnings[@]}" -pthread -I"$temp/portable" -Itests tests/programs/descriptors.cpp -o "$temp/program.exe"
  "$temp/program.exe"
  if nm -D "$temp/program.exe" | grep -E 'eventfd|epoll|signalfd|ppoll|sched_getaffinity'; then
    echo "platforms.sh: what was to be left out is there" && return 1
  fi
}

# --- all tests ------------------------------------------------------------------

# Catch2 alone, for compilers that must not find the other headers of this system.
catch_alone() {
  mkdir -p "$temp/catch/lib/cmake" "$temp/catch/include"
  cp -r /usr/lib/cmake/Catch2 "$temp/catch/lib/cmake"
  cp -r /usr/include/catch2 "$temp/catch/include"
  touch "$temp/catch/lib/libCatch2WithMain.a" # its package wants it there; the tests bring their own main()
}
# tests <name> <"unit" or "unit stress"> <cmake argument>...: builds them in build-ci-<name>.
tests() {
  local build=build-ci-$1 targets=()
  for kind in $2; do targets+=("${kind}_tests"); done
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=None -DROOST_BUILD_EXAMPLES=OFF "${@:3}"
  cmake --build "$build" -j "$jobs" --target "${targets[@]}"
}
# run_tests <name> <"unit" or "unit stress"> <command>...: runs what has been built, by the command; without the
# tests that $without names, if it is set.
run_tests() {
  local build=build-ci-$1 kind program
  for kind in $2; do
    program=$build/tests/${kind}_tests
    [[ -e $program ]] || program+=.exe
    say "$1: $kind tests"
    ROOST_DEADLOCK=$([[ $kind == stress ]] && echo abort || true) "${@:3}" "$program" -d no ${without:+"$without"}
  done
}

m32() {
  tests m32 "unit stress" -DCMAKE_CXX_FLAGS="-O1 ${words_of_32_bits[*]}"
  run_tests m32 "unit stress" env
}
aarch64() {
  catch_alone
  tests aarch64 "unit stress" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_CXX_FLAGS="-O1 -static" \
    -DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64 -DCatch2_DIR="$temp/catch/lib/cmake/Catch2"
  run_tests aarch64 unit qemu-aarch64
  # qemu 7.2 keeps 280 KiB of each thread that has ended: all rounds would take more than 20 GB.
  without="~[memory]" run_tests aarch64 stress env ROOST_STRESS=0.1 qemu-aarch64
}
windows() {
  catch_alone
  tests windows unit -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_CXX_COMPILER=$windows \
    -DCMAKE_CXX_FLAGS="-O1 -static -Wa,-mbig-obj" -DCMAKE_CROSSCOMPILING_EMULATOR=true \
    -DCatch2_DIR="$temp/catch/lib/cmake/Catch2"
  # With mingw a thread's locals are freed before their destructors run, and these cannot start a thread.
  without="~[thread_exit]" run_tests windows unit wine
}
clang-16() {
  tests clang-16 unit -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_CXX_FLAGS=-O1
  run_tests clang-16 unit env
}
checked() {
  tests checked unit -DCMAKE_CXX_FLAGS="-O0 -D_GLIBCXX_DEBUG -D_GLIBCXX_ASSERTIONS"
  run_tests checked unit env
}
c++23() {
  tests c++23 unit -DCMAKE_CXX_FLAGS=-O0 -DCMAKE_CXX_STANDARD=23
  run_tests c++23 unit env
}
if [[ ${1-} == packages ]]; then
  packages "${@:2}"
  exit
fi
for step in "$@"; do
  case $step in
  quick | m32 | aarch64 | windows | clang-16 | checked | c++23) "$step" ;;
  *) echo "platforms.sh: no step '$step'" >&2 && exit 2 ;;
  esac
  say "$step: fine"
done
