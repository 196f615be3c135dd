#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# ordered_pipeline_test.sh <ordered_pipeline> <folder of text files>
# Packs files with tasks and without, compares the results byte by byte, and unpacks them again.
set -uo pipefail
export LC_ALL=C

program=$(realpath -- "$1")
texts=$(realpath -- "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

failed=0
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}

# run <what> <exit code> <arguments>...: leaves what was said in the file err
run() {
  local what=$1 want=$2 code=0
  shift 2
  "$program" "$@" 2>err || code=$?
  [[ $code == "$want" ]] || fail "$what: exit code $code, not $want: $(head -c 500 err)"
}

block=65536
: >empty
printf x >byte
head -c "$block" /dev/zero >one_block
head -c $((block + 1)) /dev/urandom >random
find "$texts" -name '*.hpp' -print0 | sort -z | xargs -0 cat >large
size=$(wc -c <large)
((size > 10 * block)) || fail "$texts: $size bytes are too few for a test"

for file in empty byte one_block random large; do
  run "$file, without tasks" 0 -j 0 "$file" "$file.plain"
  for jobs in 1 3 64; do
    run "$file, -j $jobs" 0 -v -j $jobs "$file" packed
    cmp packed "$file.plain" || fail "$file, -j $jobs: not what it is without tasks"
    blocks=$((($(wc -c <"$file") + block - 1) / block))
    read -r count _ _ _ most _ <err
    [[ $count == "$blocks" ]] || fail "$file, -j $jobs: $count blocks, not $blocks"
    ((most <= jobs)) || fail "$file, -j $jobs: $most blocks in memory"
    run "unpack $file, -j $jobs" 0 -d -j $jobs packed unpacked
    cmp unpacked "$file" || fail "$file, -j $jobs: not what was packed"
  done
done
(($(wc -c <large.plain) < size)) || fail 'nothing was saved'

# From the sixth block on each has another checksum: the five before are written, and one failure is told.
cp large.plain damaged
at=0
for ((i = 1; at < $(wc -c <damaged); ++i)); do
  read -r a b c d sum < <(od -An -tu1 -j "$at" -N 5 damaged)
  if ((i > 5)); then
    # shellcheck disable=SC2059 # an escape it is
    printf "\\x$(printf %02x $((sum ^ 1)))" | dd of=damaged bs=1 seek=$((at + 4)) conv=notrunc status=none
  fi
  at=$((at + 8 + a + (b << 8) + (c << 16) + (d << 24)))
done
run 'damaged, without tasks' 1 -d -j 0 damaged before
cp err wanted
run 'damaged' 1 -d -j 4 damaged unpacked
cmp wanted err || fail "damaged: $(head -c 500 err)"
grep -qx 'ordered_pipeline: a block is damaged' err || fail "damaged: $(head -c 500 err)"
cmp before unpacked || fail 'damaged: not the blocks before'
cmp <(head -c $((5 * block)) large) before || fail 'damaged: not what was packed'

head -c $(($(wc -c <large.plain) - 1)) large.plain >shorter
run 'cut off' 1 -d shorter unpacked
head -c 3 large.plain >shorter
run 'cut off in its head' 1 -d shorter unpacked
grep -q 'a block is cut off' err || fail "cut off in its head: $(head -c 500 err)"

run 'no such file' 1 missing packed
run 'a folder' 1 "$texts" packed
run 'no place to write to' 1 large missing/packed
if [[ -c /dev/full ]]; then # the stop reaches the reader, and all permits
  run 'a full disk' 1 -j 2 large /dev/full
  grep -q 'cannot write' err || fail "a full disk: $(head -c 500 err)"
fi
for arguments in '' 'large' '-j large packed' '-j two large packed' '-j 1025 large packed' '-x large packed'; do
  # shellcheck disable=SC2086 # several words
  run "arguments '$arguments'" 2 $arguments
done

if ((failed > 0)); then
  echo "$failed failed"
  exit 1
fi
echo 'all as it must be'
