#!/usr/bin/env bash
# lint.sh: what no compiler says. clang-format and clang-tidy of one major, and the rules of the house.
# `.ci/lint.sh format` rewrites the sources with clang-format instead.
set -euo pipefail
cd "$(dirname "$0")/.."

major=14 # another one formats and warns differently
faults=0
fault() { echo "lint: $*" && faults=1; }
tool() {
  local tool
  tool=$(command -v "$1-$major" || command -v "$1" || true)
  if [[ -z $tool ]] || ! "$tool" --version | grep -q "version $major\."; then
    echo "lint: $1 $major is needed; another one is no judge" >&2
    exit 2
  fi
  echo "$tool"
}
clang_format=$(tool clang-format)
clang_tidy=$(tool clang-tidy)

mapfile -t files < <(git ls-files --cached --others --exclude-standard | sort)
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '\.(hpp|cpp)$')
mapfile -t headers < <(printf '%s\n' "${sources[@]}" | grep '^include/')

if [[ ${1-} == format ]]; then
  exec "$clang_format" -i "${sources[@]}"
fi

# --- the rules of the house ----------------------------------------------------

# banned <what to say> <regex> <file>...: no line of the files may match.
banned() {
  local lines
  if lines=$(grep -nE -- "$2" "${@:3}" /dev/null); then
    fault "$1:"$'\n'"$lines"
  fi
}

mapfile -t tests < <(printf '%s\n' "${sources[@]}" | grep '^tests/')
mapfile -t texts < <(printf '%s\n' "${files[@]}" | grep -vx '.ci/lint.sh')
for file in "${tests[@]}"; do
  [[ $file == tests/model/sync/* ]] && continue # it has the names of the library
  if lines=$(sed 's/this_task::sleep_//g' "$file" | grep -n 'sleep_[a-z]*('); then
    fault "$file: a test orders events without sleeping:"$'\n'"$lines"
  fi
done
banned "no notes of what is to be done" 'TODO|FIXME' "${texts[@]}"
banned "no fences: ThreadSanitizer cannot see them" 'atomic_thread_fence' "${sources[@]}"

mapfile -t examples < <(printf '%s\n' "${sources[@]}" | grep '^examples/')
banned "a text names the thread, the waiter or the task, and not 'who'" '\b([Ww]ho|[Ww]hoever|[Ww]hom)\b' "${headers[@]}" \
  "${examples[@]}" README.md include/roost/detail/README.md
banned "a comment of a header says which one, and not 'nobody'" '//.*\b[Nn]obody\b' "${headers[@]}"
mapfile -t outside_sync < <(printf '%s\n' "${headers[@]}" | grep -v '/detail/sync/')
banned "threads, locks and time come from detail/sync/" \
  '^[^/]*(std::(atomic|mutex|condition_variable|thread::|jthread [a-z]|this_thread::)|include <thread>|clock::now\()' \
  "${outside_sync[@]}"
mapfile -t without_bubbles < <(printf '%s\n' "${outside_sync[@]}" | grep -v '/detail/testing/' |
  grep -vF "$(grep -oE '[a-z_]+(/[a-z_]+)?\.hpp' include/roost/detail/testing/README.md | sed 's|^|/|')")
banned "what knows of bubbles is listed in detail/testing/README.md" '\b(bubble_here|is_in_bubble)\b' "${without_bubbles[@]}"

for file in "${sources[@]}"; do
  [[ $(head -n 1 "$file") == "// SPDX-License-Identifier: BSL-1.0" ]] ||
    fault "$file: the first line must be '// SPDX-License-Identifier: BSL-1.0'"
done

# An explicit memory order has its reason beside it or in the four lines above; but what says what orders mean.
for file in "${sources[@]}"; do
  [[ $file =~ ^tests/model/([^/]*|sync/.*)$ ]] && continue
  awk -v file="$file" '
    /\/\// { commented = NR }
    /memory_order/ && (!commented || NR - commented > 4) { print file ":" NR ": " $0; bad = 1 }
    END { exit bad }' "$file" || fault "a memory order without a comment"
done

# The version is written in version.hpp and nowhere else; the README's list of changes tells its history.
version=$(.ci/version.sh)
mapfile -t others < <(printf '%s\n' "${texts[@]}" | grep -vxE 'README.md|include/roost/version.hpp')
banned "the version is written in version.hpp only" "(^|[^0-9.])${version//./\\.}([^0-9.]|$)|define ROOST_VERSION_[A-Z]" "${others[@]}"

# The README opens with the first example, word for word.
block=$(awk '/^```cpp$/ { on = 1; next } /^```/ && on { exit } on' README.md)
example=$(awk '/^#include/ { on = 1 } /^\/\/ Output:/ { exit } on' examples/01_*.cpp)
if ! diff <(echo "$block") <(echo "$example"); then
  fault "README.md (<) does not open with examples/01 (>)"
fi

# The map of the inside, and the walks, name files and functions that are there.
for map in include/roost/detail/README.md include/roost/detail/*/README.md; do
  while read -r name; do
    case $name in
    *.hpp) [[ -e include/roost/$name || -e include/roost/detail/$name ]] || fault "$map names $name, which is not there" ;;
    *) grep -qE "\\b${name##*::}\\b" "${headers[@]}" || fault "$map names $name, which is not there" ;;
    esac
  done < <(grep -oE '`[a-z_]+(::[a-z_]+)+`|[a-z_]+(/[a-z_]+)?\.hpp' "$map" | tr -d '`' | sort -u)
done

# A change of the code takes its mutants along.
if command -v python3 >/dev/null; then
  tests/model/mutants/mutants.py --check || fault "tests/model/mutants/mutants.txt: see above"
fi

# Not by --dry-run: 14 complains of the ends of `namespace roost::inline v0` there, and changes nothing.
for file in "${sources[@]}"; do
  "$clang_format" "$file" | diff -u --label "$file" --label formatted "$file" - ||
    fault "$file: run .ci/lint.sh format"
done

# --- clang-tidy ----------------------------------------------------------------

build=build-ci-lint
cmake -S . -B $build -DCMAKE_CXX_COMPILER=clang++-$major -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DROOST_BUILD_TESTS=OFF -DROOST_BUILD_BENCHMARKS=ON >/dev/null
# The library, the examples, which are there to be copied, and the benchmark, but for peers that are not
# installed. Tests are judged by the compilers alone: to tidy them, too, would take longer than to build them.
mapfile -t units < <(printf '%s\n' "${sources[@]}" | grep -E '^(examples/[^/]*|tests/bench/.*)\.cpp$' |
  while read -r unit; do if grep -qF "\"file\": \"$PWD/$unit\"" $build/compile_commands.json; then echo "$unit"; fi; done)
# tidy <checks beside those of .clang-tidy> <file>...
tidy() {
  printf '%s\0' "${@:2}" | xargs -0 -n 1 -P "$(nproc)" "$clang_tidy" -p $build --quiet "--checks=$1" 2>&1 |
    sed '/^[0-9]* warnings\? generated\.$/d' || fault "clang-tidy"
}
tidy '-clang-analyzer-*' "${units[@]}"
# The analyzer follows all that a file calls, and takes three times as long as the rest: once for each part of
# the library is enough. What takes longest comes first, so that no processor waits for it in the end. It knows
# no counts, and takes what a counted_ptr keeps for a leak: that is left to AddressSanitizer.
tidy '-*,clang-analyzer-*,-clang-analyzer-cplusplus.NewDelete*' tests/bench/{peers/roost,compare}.cpp \
  examples/{goroutine_leaks,tree_search,13_*,14_*,19_*,20_*,24_*,26_*}.cpp

# What tests share, in one file, by the rules for tests.
mkdir -p $build/support
cp tests/.clang-tidy $build/support
printf '#include "%s"\n' tests/support/*.hpp >$build/support/all.cpp
"$clang_tidy" --quiet $build/support/all.cpp -- -std=c++20 -I. -Iinclude -Itests 2>&1 |
  sed '/^[0-9]* warnings\?.* generated\.$/d' || fault "clang-tidy, tests/support"

# --- cppcheck ------------------------------------------------------------------

# cppcheck <name of a source> [<further header>]: of all headers but two, whose templates of lambdas it does not parse.
check_headers() {
  mkdir -p $build/posix # enough for it to look at posix.hpp, too: it has no system headers
  touch $build/posix/poll.h $build/posix/unistd.h
  { printf '%s\n' include/roost/*.hpp | grep -vE '/when_(all|any)\.hpp$' | sed 's|include/\(.*\)|#include <\1>|' && echo "${2-}"; } \
    >"$build/$1.cpp"
  cppcheck --quiet --std=c++20 --language=c++ --enable=warning,style,performance,portability --error-exitcode=1 \
    --suppressions-list=.ci/cppcheck.txt --max-configs=1 -D__linux__ -D__GNUC__=12 -D__cplusplus=202002L \
    -D__cpp_exceptions=1 -D__cpp_lib_jthread=201911 -Iinclude -I$build/posix --template='{file}:{line}: {message} [{id}]' "$build/$1.cpp"
}
check_headers headers || fault "cppcheck"
# A control: it gets so far, and sees what is wrong behind all headers.
! check_headers control 'inline int second(const int* p) { if (p == nullptr) {} int a[1] = {}; return *p + a[1]; }' \
  >/dev/null 2>&1 || fault "cppcheck does not see the control"

((faults == 0)) && echo "lint: fine"
exit $faults
