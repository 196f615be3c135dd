#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# tree_search_test.sh <tree_search>
# Makes a tree of everything that a search may stumble over, and compares tree_search with GNU grep: the sorted
# output, what is said on stderr, and the exit code. Then what grep does not have: stops, and the limits of -E.
set -uo pipefail
export LC_ALL=C
unset GREP_COLORS GREP_COLOR ROOST_STALL_MS

tree_search=$(realpath -- "$1")
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work" || exit 1

failed=0
fail() {
  failed=$((failed + 1))
  echo "FAILED: $*"
}
skip() { echo "skipped: $*"; }

# run <what> <exit code> <arguments>...: leaves what was printed in the files out and err
run() {
  local what=$1 want=$2 code=0
  shift 2
  "$tree_search" "$@" >out 2>err || code=$?
  [[ $code == "$want" ]] || fail "$what: exit code $code, not $want: $(head -c 500 err)"
}
# same <what> <wanted> <file>
same() {
  local difference
  difference=$(diff -a "$2" "$3") ||
    fail "$1, wanted and there:"$'\n'"$(head -n 20 <<<"$difference" | cut -c 1-200)"
}
# says <what> <file> <line>
says() { grep -qxF -e "$3" "$2" || fail "$1: no line '$3' but: $(head -c 500 "$2")"; }

# --- the tree ----------------------------------------------------------------------

mkdir -p tree/deep/er/est tree/'a directory' tree/empty late
printf 'one needle\nnothing\nNeedle and needle\n' >tree/plain
printf 'the last line has no newline: needle' >tree/deep/unfinished
printf 'needle\r\nno\r\nneedle too\r\n' >tree/deep/er/crlf
printf 'needle\n' >tree/deep/er/est/bottom
printf 'needle in a name with spaces\n' >tree/'a directory/a file'
printf 'needle\n' >"tree/a directory/"$'new\nline'
printf 'needle \351\377 high bytes n\311edle\n' >tree/latin1
printf '\n\nneedle\n\n' >tree/blank
: >tree/nothing
printf 'needle\nzero \0 byte\nneedle\n' >tree/binary
{ # a line longer than a piece that is read at once, and lines across the borders of pieces
  printf 'needle %0300000d needle\nshort needle\n' 0
  for ((i = 0; i < 2500; ++i)); do printf 'needle %070d\n' $((i * i)); done
} >tree/long
truncate -s 400000 tree/holes && printf 'needle\n' | dd of=tree/holes conv=notrunc status=none
ln -s ../plain tree/deep/link_to_file
ln -s .. tree/deep/link_to_parent
ln -s nowhere tree/dangling
ln -s tree link_to_tree
mkfifo tree/pipe
{ # a zero byte so late that what is before it is printed
  echo needle
  for ((i = 0; i < 6000; ++i)); do printf '%080d\n' $i; done
  printf 'zero \0 byte\nneedle late\n'
} >late/binary

# --- as grep -------------------------------------------------------------------------

# as_grep <options of both> -- <pattern and paths>
as_grep() {
  local options=() code=0 want=0
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  local what="tree_search ${options[*]} $*"
  "$tree_search" "${options[@]}" "$@" >"$work/out" 2>"$work/err" || code=$?
  grep -rnIF "${options[@]}" "$@" >"$work/grep_out" 2>"$work/grep_err" || want=$?
  [[ $code == "$want" ]] || fail "$what: exit code $code, grep's is $want"
  same "$what" <(sort "$work/grep_out") <(sort "$work/out")
  same "$what, stderr" <(sed 's/^grep: /tree_search: /' "$work/grep_err" | sort) <(sort "$work/err")
}

compare_with_grep() {
  local options pattern
  # shellcheck disable=SC1003 # a backslash it is
  for pattern in '' '^n' e . '\' nowhere_to_be_found 'needle too'; do
    as_grep -- "$pattern" tree
  done
  for options in '' -i -l -il; do
    for pattern in needle NEEDLE $'\351'; do
      # shellcheck disable=SC2086 # none, or one word
      as_grep $options -- "$pattern" tree
    done
  done
  as_grep -- $'one\nlast' tree           # each line of the pattern is one
  as_grep -i -- $'Plain\nHIGH' tree
  as_grep -l -- $'one\n' tree            # and the last of these is empty
  as_grep -- needle tree tree            # named twice, found twice
  as_grep -- needle tree/                # no slash is doubled
  as_grep -- needle tree// tree/deep/..
  as_grep -- needle link_to_tree         # a link is followed where it is named
  as_grep -- needle link_to_tree/
  as_grep -- needle tree/deep/link_to_file tree/plain
  as_grep -- needle tree/plain           # one file: no names
  as_grep -l -- needle tree/plain
  as_grep -- needle late                 # alone, because grep's pieces grow with the longest line it has seen
  as_grep -l -- needle late
  as_grep -- '' tree/nothing
  as_grep -- '' tree/empty
  as_grep -- needle missing tree         # found, and yet 2
  as_grep -- needle missing
  as_grep -- needle tree/plain/
  as_grep -- needle tree/dangling
  as_grep -- needle ''
  if [[ -r /proc/self/mem ]]; then       # can be opened, but not read
    as_grep -- needle tree /proc/self/mem
  fi
  cd tree && as_grep -- needle . && cd ..
}

compare_own_output() { # a search must not go on to find what it has found
  mkdir own && cp -R tree/deep own/deep
  "$tree_search" needle own >own/out 2>err
  echo "exit code $?" >>err
  sort own/out >out && rm own/out
  grep -rnIF needle own >own/out 2>grep_err
  echo "exit code $?" >>grep_err
  same 'its own output' <(sort own/out) out
  same 'its own output, stderr' <(sed 's/^grep: /tree_search: /' grep_err) err
}

if grep --version 2>/dev/null | grep -q 'GNU grep'; then
  compare_with_grep
  compare_own_output
else
  skip 'comparison: this grep is not GNU grep'
fi

# --- what cannot be read ----------------------------------------------------------------

mkdir locked && cp -R tree/deep/er locked/er && echo needle >locked/file && mkdir locked/directory
chmod 000 locked/file locked/directory
as_nobody=()
if [[ $(id -u) == 0 ]]; then # who reads everything
  as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
if cp "$tree_search" program && "${as_nobody[@]}" ./program --help >/dev/null 2>&1; then
  "${as_nobody[@]}" ./program needle locked >out 2>err
  [[ $? == 2 ]] || fail 'a file that cannot be opened makes the exit code 2'
  says 'unreadable file' err 'tree_search: locked/file: Permission denied'
  says 'unreadable directory' err 'tree_search: locked/directory: Permission denied'
  says 'the rest is searched' out 'locked/er/est/bottom:1:needle'
else
  skip 'unreadable files: root reads everything, and setpriv does not work here'
fi

run 'a pipe that is named' 2 needle tree/pipe
says 'a pipe that is named' err 'tree_search: tree/pipe: not a regular file or directory'
run 'a device that is named' 2 needle /dev/zero

# --- options ----------------------------------------------------------------------------

run 'help' 0 --help
grep -q '^usage: ' out || fail 'help goes to stdout'
printf -- '-l\n' >dashes
run 'two dashes' 0 -- -l dashes
says 'two dashes' out '1:-l'
run 'options behind the paths' 0 needle tree/plain -l
says 'options behind the paths' out 'tree/plain'
run 'flags in one word' 0 -liE 'NEED+LE' tree/plain
says 'flags in one word' out 'tree/plain'
"$tree_search" needle tree | sort >all
for jobs in 1 2 7 64; do
  run "-j $jobs" 0 -j "$jobs" needle tree
  same "-j $jobs" all <(sort out)
done
for arguments in '' 'needle' '-j 0 a tree' '-j 1025 a tree' '-j two a tree' '-j 2x a tree' '-j' '-x a tree' \
  '--timeout' '--timeout soon a tree' '--timeout -1 a tree' '--timeout 1s a tree' '--timeout nan a tree' \
  '--timeout= a tree'; do
  # shellcheck disable=SC2086 # several words
  run "arguments '$arguments'" 2 $arguments
  if [[ -s out ]] || ! grep -q '^usage: ' err; then fail "arguments '$arguments': no usage on stderr"; fi
done

# --- -E ---------------------------------------------------------------------------------

run 'regex' 0 -E '^(one|nothing)( \w+)?$' tree/plain
same 'regex' <(printf '1:one needle\n2:nothing\n') out
run 'regex, any case' 0 -iE 'N[E]+DLE and' tree/plain
same 'regex, any case' <(printf '3:Needle and needle\n') out
run 'two regexes' 0 -E $'^not\\w+\n^one' tree/plain
same 'two regexes' <(printf '1:one needle\n2:nothing\n') out
  # shellcheck disable=SC1003 # a backslash it is
for pattern in '(' '[a' 'a{2' '*' '\'; do
  run "the regex $pattern" 2 -E "$pattern" tree
  grep -q '^tree_search: bad pattern: ' err || fail "the regex $pattern: $(head -c 500 err)"
done
many=$(printf '%020000d' 0)
for pattern in "${many//0/(}${many//0/)}" "${many//0/a}" '((a?){200}){200}' '(?:|){90000}'; do
  run 'a huge regex' 2 -E "$pattern" tree
  says 'a huge regex' err 'tree_search: bad pattern: it is too large for -E'
done
{ printf '%01000000d\n' 0 && echo '0 1'; } >long_line
for pattern in '.*1' '(0|1)*\s1' '(?:0|2)+ 1'; do # std::regex recurses at every character
  run "a long line for $pattern" 2 -E "$pattern" long_line
  same "a long line for $pattern" <(echo '2:0 1') out
  same "a long line for $pattern" <(echo 'tree_search: long_line:1: line too long for -E') err
done
"$tree_search" -E '^00|1$' long_line >out 2>err
if grep -q 'too long' err; then # libc++, which has another limit
  std_regex_gives_up=1
elif [[ $(wc -l <out) != 2 ]]; then
  fail "a long line that is no trouble: $(cut -c 1-200 err out)"
fi

# --- stops ------------------------------------------------------------------------------

run 'done in time' 0 --timeout 1000.5 needle tree/plain
run 'no time at all' 124 --timeout 0 needle tree

# interrupt <signal> <exit code> <arguments>...: sends it once the first line was printed. With never_sleeps set the
# search takes longer than anybody lives, and prints no more.
interrupt() {
  local what="SIG$1" signal=$1 want=$2 line='' code=0 asleep=0 process
  shift 2
  rm -f lines && mkfifo lines
  "$tree_search" --timeout 200 "$@" >lines 2>err &
  process=$!
  exec 3<lines
  read -r line <&3
  kill -s "$signal" "$process"
  # It has taken notice once all of it sleeps: what prints waits for us to read.
  while [[ ! -v never_sleeps ]] && ((asleep < 3)); do
    if grep -qs ') R ' /proc/"$process"/task/*/stat; then asleep=0; else asleep=$((asleep + 1)); fi
  done
  { echo "$line" && cat <&3; } >out
  exec 3<&-
  wait "$process" || code=$?
  [[ $code == "$want" && ! -s err ]] || fail "$what: exit code $code, not $want: $(head -c 500 err)"
}

# More than a pipe holds: it is still being printed when the signal comes, and printed to its end. Lines may be missing
# only if their reader comes half a second late, as on a machine that is held up: then it is tried again.
microseconds() { # none before bash 5: then it is not tried again
  local now=${EPOCHREALTIME-0}
  echo "${now/./}"
}
interrupt_printing() {
  local tries began
  for ((tries = 0; tries < 20; ++tries)); do
    began=$(microseconds)
    interrupt "$@" 0 wide
    if cmp -s all out || (($(microseconds) - began < 500000)); then break; fi
  done
  same "SIG$1 while printing" all out
}
for ((i = 0; i < 4000; ++i)); do printf '%0100d\n' $i; done >wide
"$tree_search" 0 wide >all
interrupt_printing INT 130
interrupt_printing TERM 143

# A reader that does not read must not keep the search from ending.
rm -f lines && mkfifo lines
exec 3<>lines
"$tree_search" --timeout 0.3 '' tree >&3 2>err
[[ $? == 124 ]] || fail "a reader that does not read: $(cat err)"
exec 3>&-

# What a stop leaves is a part of the whole, in whole lines.
"$tree_search" '' tree | sort >all
for seconds in 0.0005 0.001 0.002 0.004 0.008; do
  "$tree_search" --timeout $seconds '' tree | sort >part
  [[ -z $(comm -13 all part) ]] || fail "cut off after $seconds s: $(comm -13 all part | head -n 3)"
done

# For this regex one of the files takes longer than anybody lives, while the other one is found.
regex='(0*)*1'
mkdir endless && printf '%064d\n' 0 >endless/never && printf '01 found\n' >endless/found
mkdir begun && printf '01 found\n%064d\n' 0 >begun/file # the line is found, and then the file never ends
if [[ -v std_regex_gives_up ]]; then
  skip 'stops within a regex: this std::regex does not take long'
else
  # On a machine that is held up the line may take longer.
  for seconds in 2 30; do
    run 'timeout' 124 -j2 -E --timeout $seconds "$regex" endless
    [[ -s out ]] && break
  done
  same 'timeout' <(echo 'endless/found:1:01 found') out
  for seconds in 2 30; do
    run 'timeout within a file' 124 -E --timeout $seconds "$regex" begun
    [[ -s out ]] && break
  done
  same 'timeout within a file' <(echo 'begun/file:1:01 found') out
  never_sleeps=1 interrupt INT 130 -j2 -E "$regex" endless
  same 'SIGINT' <(echo 'endless/found:1:01 found') out
fi

# --- output -----------------------------------------------------------------------------

if [[ -c /dev/full ]]; then
  "$tree_search" needle tree >/dev/full 2>err
  [[ $? == 2 ]] || fail 'a full disk makes the exit code 2'
  says 'a full disk' err 'tree_search: write error: No space left on device'
fi
"$tree_search" needle tree >&- 2>err
[[ $? == 2 ]] || fail 'a closed stdout makes the exit code 2'
says 'a closed stdout' err 'tree_search: write error: Bad file descriptor'
"$tree_search" '' tree | head -n 1 >/dev/null
[[ ${PIPESTATUS[0]} == 141 ]] || fail 'SIGPIPE ends the search'

run 'no terminal' 0 needle tree
[[ ! -s err ]] || fail 'there is no progress where there is no terminal'
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then # gives it a terminal
  script -qec "'$tree_search' 'one needle' tree" /dev/null </dev/null |
    tr '\r' '\n' | sed 's/ *$//' | grep . >screen
  grep -qx '[0-9]* files searched' screen || fail "no progress on a terminal: $(head -c 500 screen)"
  same 'lines on a terminal' <(echo 'tree/plain:1:one needle') <(grep -vx '[0-9]* files searched' screen)
else
  skip 'progress: there is no script(1) that gives a terminal'
fi

if ((failed > 0)); then
  echo "$failed failed"
  exit 1
fi
echo 'all as it must be'
