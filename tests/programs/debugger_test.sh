#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# debugger_test.sh <blocked_tasks> <its source> <roost.py> [gdb]
# Stops the program under gdb, and wants what `roost tasks` prints there, of a core file, and without debug
# information. Exits with 77, which skips the test, where there is no gdb with Python or it may not trace.
set -uo pipefail
export LC_ALL=C
unset ROOST_STALL_MS

program=$(realpath -- "$1")
source=$(realpath -- "$2")
script=$(realpath -- "$3")
gdb=${4-}
skip() { echo "skipped: $*" && exit 77; }
command -v -- "$gdb" >/dev/null || skip "there is no gdb"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}

# debug <output> <argument of gdb>...
debug() {
  timeout 120 "$gdb" -nx -batch -iex 'set debuginfod enabled off' "${@:2}" >"$1" 2>&1 </dev/null
}
# at <words>: the line of the source with "line: <words>", as a regular expression
at() {
  local line
  line=$(grep -n "// line: $1\$" "$source" | cut -d: -f1)
  echo "at [^ ]*blocked_tasks\\.cpp:${line:?}"
}
# has <file> <regular expression>: of a line's end
has() { grep -qE -- "$2\$" "$1" || fail "$1 has no line '$2' but:"$'\n'"$(cat "$1")"; }
has_not() { ! grep -qE -- "$2" "$1" || fail "$1 has '$2':"$'\n'"$(cat "$1")"; }

debug python -ex 'python print(gdb.VERSION)' || skip "gdb does not start: $(cat python)"
! grep -q 'not supported' python || skip "gdb has no Python"
debug process -x "$script" -ex 'break all_are_there' -ex run -ex 'roost tasks' -ex 'generate-core-file core' \
  -ex continue "$program"
! grep -qE 'ptrace: Operation not permitted|Could not trace the inferior|not permitted' process ||
  skip "gdb may not trace: $(grep 'not permitted' process)"

# tasks <file> <regular expression of " 3.1 s"> <the same of ", age 3.1 s">
tasks() {
  local file=$1 time=$2 age=$3 thread='thread [0-9]+'
  has "$file" "^scope \"service\" #[0-9]+, made $(at service)$age, 5 tasks of at most 5, 1 queued"
  has "$file" "^  owner: thread 1, outside roost, in main.* $(at owner)|^  owner: thread 1, outside roost, in all_are_there .*"
  has "$file" "^  \"producer\" #[0-9]+, spawned $(at producer)$age: $thread, blocked$time in sender::send on \"rows\" $(at send)"
  has "$file" "^  \"n{60}\" #[0-9]+, spawned .*: $thread, blocked$time in task_scope::join on \"inner\" $(at join)"
  has "$file" "^    scope \"inner\" #[0-9]+, made .*, 3 tasks; stopped( [0-9.]+ m?s ago)? \(requested: enough\) $(at stop)"
  has "$file" "^      \(unnamed\) #[0-9]+, .*: $thread, blocked$time in select \(event 0x[0-9a-f]+, timer\) $(at select), until a deadline"
  has "$file" "^      \"waits for an event\" x2 #[0-9]+ #[0-9]+, .*: threads [0-9]+ [0-9]+, blocked$time in event::wait on event 0x[0-9a-f]+ $(at event)"
  has "$file" "^  \"reads\" #[0-9]+, .*: $thread, blocked$time in blocking_region on \"read\(fd 7\)\" $(at region)"
  has "$file" "^  \"computes\" #[0-9]+, .*: $thread, outside roost, in .* at .*(gate\.hpp|blocked_tasks\.cpp):[0-9]+"
  has "$file" "^  \"looks\" #[0-9]+, .*: $thread, blocked$time in event::wait on event 0x[0-9a-f]+ $(at looks), until a deadline"
  has "$file" "^  \"is queued\" #[0-9]+, spawned at [^ ]*: queued"
  [[ $(grep -oE 'event 0x[0-9a-f]+' "$file" | sort -u | wc -l) == 1 ]] || fail "$file: it is one event"
  has_not "$file" 'RTTI|Traceback|Python Exception'
}
tasks process ' [0-9.]+ m?s' ', age [0-9.]+ m?s'
has process '.*exited normally.*'
has_not process '^Run till exit'

debug core_file -x "$script" -ex 'roost tasks' "$program" core
tasks core_file '' ''

debug steps -x "$script" -x "$script" -ex "break $(basename "$source"):$(at 'a send that needs no wait' | grep -oE '[0-9]+$')" -ex run \
  -ex step -ex 'info line' -ex finish -ex step -ex 'info line' -ex 'info skip' "$program"
has steps "^Line $(at twice | grep -oE '[0-9]+$') of .*|^twice .*|.* twice \(x=3\) .*"
has steps "^Line $(at 'after it' | grep -oE '[0-9]+$') of .*"
[[ $(grep -c '\^roost::' steps) == 1 ]] || fail "it is to be skipped once: $(cat steps)"

debug no_process -x "$script" -ex 'roost tasks' "$program"
has no_process '.*roost: there is no process: run it, attach to it, or load a core\.'
debug argument -x "$script" -ex 'roost tasks all' "$program"
has argument '.*roost tasks takes no argument\.'

# remedy <what strip is to take away> <what is told>
remedy() {
  strip "$1" -o stripped "$program" 2>/dev/null || return
  debug "remedy$1" -x "$script" -ex 'roost tasks' stripped core
  has "remedy$1" ".*$2.*"
}
remedy --strip-debug 'has no type roost::v0::detail::stop_domain::root_list\. Compile it with -g'
remedy --strip-all 'there is no symbol roost::v0::detail::stop_domain::roots\(\)::all.*it was stripped'

((failed == 0)) && echo "what gdb prints is right"
exit $((failed != 0))
