#!/usr/bin/env bash
# public_names.sh <clang++>: the names in namespaces roost and roost::this_task that users may have, as the compiler
# finds them in the headers that the module includes; in order, one a line.
# Comparisons are friends, which are found without their names.
set -euo pipefail
cd "$(dirname "$0")/.."
sed '/^module;$/d; /^export module/,$d' include/roost.cppm |
  "$1" -std=c++20 -Iinclude -fsyntax-only -Xclang -ast-list -x c++ - |
  grep -E '^roost::(this_task::)?([a-z_0-9]+|operator[^a-z]+)$' | grep -vE '^roost::(v0|detail|this_task|operator==)$' | sort -u
