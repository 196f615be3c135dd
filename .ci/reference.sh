#!/usr/bin/env bash
# reference.sh: Doxygen makes the reference without a warning, and no link in it leads nowhere.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-ci-reference
cmake -S . -B $build -DROOST_BUILD_TESTS=OFF -DROOST_BUILD_EXAMPLES=OFF >/dev/null
rm -rf $build/reference/html
cmake --build $build --target roost_reference
cd $build/reference

dead=0
while read -r link; do
  [[ -e html/$link ]] || { echo "reference.sh: a link leads to $link, which is not there" && dead=1; }
done < <(grep -ohE '(href|src)="[^"#:]+["#]' html/*.html | sed -E 's/^[a-z]+="|["#]$//g' | sort -u)

# A control: a name without a comment is refused.
mkdir -p control
printf '%s\n' '/// \file' 'namespace roost {' 'int without_a_comment();' '}' >control/control.h
if { cat Doxyfile && echo "INPUT += $PWD/control/control.h" && echo "OUTPUT_DIRECTORY = $PWD/control"; } |
  doxygen - >control/log 2>&1 || ! grep -q 'without_a_comment() (function) of namespace roost is not documented' control/log; then
  echo "reference.sh: a name without a comment is not noticed" && cat control/log && dead=1
fi
((dead == 0)) && echo "reference: fine, $build/reference/html/index.html"
exit $dead
