#!/usr/bin/env bash
# build.sh <cxx> <none|asan|tsan> [libc++] [compiled] [ctest arguments...]
# Configures, builds and tests in build-ci-<...>, warnings being errors.
#   .ci/build.sh g++ none
#   .ci/build.sh clang++-19 tsan -R channel
#   .ci/build.sh clang++-19 none libc++
#   .ci/build.sh clang++-14 none compiled   # with roost::compiled
set -euo pipefail
cd "$(dirname "$0")/.."

cxx=$1 sanitizer=$2
shift 2
build=build-ci-${cxx##*/}-$sanitizer
flags=() link=() type=RelWithDebInfo
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions="'$PWD/tests/support/tsan.supp'"

case $sanitizer in
none) ;; # optimises; the README's command asserts
asan) type=Debug flags+=(-fsanitize=address,undefined -fno-sanitize-recover=all) ;;
tsan)
  type=Debug flags+=(-fsanitize=thread -O1)
  if [[ $cxx == *clang* ]]; then # the runtime in the program itself leaves no room for another operator new
    runtime=$("$cxx" -print-file-name="libclang_rt.tsan-$(uname -m).so")
    link=(-shared-libsan "-Wl,-rpath,${runtime%/*}")
  fi
  ;;
*) echo "build.sh: none, asan or tsan, not '$sanitizer'" >&2 && exit 2 ;;
esac
if [[ $sanitizer != none && $cxx != *clang* ]]; then
  flags+=(-Wno-maybe-uninitialized) # g++ 12 finds it in std::regex, once instrumented
fi
if [[ ${1-} == libc++ ]]; then
  shift
  build+=-libc++
  flags+=(-stdlib=libc++ -fexperimental-library) # std::jthread and std::stop_token, in libc++ 19
fi

compiled=OFF
if [[ ${1-} == compiled ]]; then
  shift
  build+=-compiled compiled=ON
fi

[[ $sanitizer == none ]] || export ROOST_STRESS_REPORTS=1 # reports look at all that the stress tests do

# The sanitizers of these compilers do not start where addresses are randomised by more than 28 bits.
run=()
if [[ $sanitizer != none ]] && (($(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28) > 28)); then
  run=(setarch -R)
fi

jobs=$(nproc)
cmake -S . -B "$build" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=$type \
  -DCMAKE_CXX_FLAGS="${flags[*]}" -DCMAKE_EXE_LINKER_FLAGS="${link[*]}" \
  -DROOST_WERROR=ON -DROOST_TEST_COMPILED=$compiled
"${run[@]}" cmake --build "$build" -j "$jobs"
if [[ $sanitizer == none ]]; then # each header alone
  cmake --build "$build" -j "$jobs" --target header_tests
fi
"${run[@]}" ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error "$@"
