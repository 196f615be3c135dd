#!/usr/bin/env bash
# compile_cost.sh [rounds]: what roost costs those who compile with it, against the standard library alone, by
# g++ and clang 19; CI does not run it. Printed are the ratios of user time, the median of 7 rounds in turns (so
# it may run beside other work), the bytes of code and data of the small user's object, and how much memory g++
# takes, which is the same each time and goes with its time.
#
#     include      a file that includes roost.hpp, against the standard headers that roost.hpp includes
#     reports      the same, against roost.hpp where the forms of reports are only declared
#     small user   tests/bench/compare/sample_users.hpp, against the same by hand
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-7}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
flags=(-std=c++20 -pthread "-I$PWD/include")

for user in roost_user std_user; do
  sed -n "/ $user = R\"(/,/^)\";/p" tests/bench/compare/sample_users.hpp |
    sed "1s/.*R\"(//; \$d" >"$temp/$user.cpp"
done
echo '#include <roost.hpp>' >"$temp/include.cpp"
g++ "${flags[@]}" -M "$temp/include.cpp" | tr ' \\' '\n\n' | grep "^$PWD/include" | sort -u >"$temp/headers"
xargs grep -ohE '^#include <[a-z_/.]+>' <"$temp/headers" | grep -v 'roost\|intrin.h' | sort -u >"$temp/std.cpp"

# The same without a body of what makes and writes reports.
cp -r include "$temp/without"
sed -i 's/^#if ROOST_HAS_BODIES/#if 0/' "$temp"/without/roost/{report.hpp,detail/report/*.hpp}
echo '#include <roost.hpp>' >"$temp/without.cpp"

# user_time <command>...: seconds
user_time() {
  (set +e; "$@" >/dev/null 2>&1 || exit 1; times) | awk 'NR == 2 { split($1, t, /[ms]/); print 60 * t[1] + t[2] }'
}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

for cxx in g++ clang++-19; do
  command -v $cxx >/dev/null || continue
  names=(std include without std_user-O0 roost_user-O0 std_user-O2 roost_user-O2)
  for ((round = 0; round < rounds; ++round)); do
    for name in "${names[@]}"; do
      level=-O${name##*-O}
      [[ $name == *-O* ]] || level=-O0
      these=("${flags[@]}")
      [[ $name != without ]] || these=(-std=c++20 -pthread "-I$temp/without")
      user_time $cxx "${these[@]}" $level -c "$temp/${name%-O*}.cpp" -o "$temp/$name.o" >>"$temp/$cxx.$name"
    done
  done
  of() { median <"$temp/$cxx.$1"; }
  bytes() { size "$temp/roost_user$1.o" | awk 'NR == 2 { print int(($1 + $2) / 1000) }'; }
  echo "$cxx: include $(ratio "$(of include)" "$(of std)"), reports $(ratio "$(of include)" "$(of without)");" \
    "small user -O0 $(ratio "$(of roost_user-O0)" "$(of std_user-O0)")," \
    "-O2 $(ratio "$(of roost_user-O2)" "$(of std_user-O2)"), $(bytes -O2) KB (-O0: $(bytes -O0))"
done
memory() { g++ "${flags[@]}" "$2" -ftime-report -c "$temp/$1.cpp" -o /dev/null 2>&1 | awk '$1 == "TOTAL" { print $NF }'; }
echo "memory of g++: std $(memory std -O0), include $(memory include -O0)," \
  "small user -O0 $(memory roost_user -O0), -O2 $(memory roost_user -O2)"
