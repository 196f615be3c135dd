#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# line_server_test.sh <line_server> <line_load> <happy_eyeballs>: with real sockets on 127.0.0.1.
set -uo pipefail
server=$1 load=$2 eyeballs=$3
temp=$(mktemp -d)
cd "$temp" || exit 2
trap 'exec 3<&-; kill -KILL "${process:-}" 2>/dev/null; rm -rf "$temp"' EXIT
failed=0
fail() { echo "FAILED: $*" && failed=$((failed + 1)); }

# start <idle> <grace>: the port in $port, what it prints comes by descriptor 3.
start() {
  rm -f lines && mkfifo lines
  "$server" 0 "$@" >lines 2>err &
  process=$!
  exec 3<lines
  read -r address <&3
  port=${address#*:}
}
# ended <exit code> <line>...: what it prints to its end, and its exit code.
ended() {
  local code=0
  cat <&3 >out
  exec 3<&-
  wait "$process" || code=$?
  [[ $code == "$1" ]] || fail "exit code $code, not $1"
  diff <(printf '%s\n' "${@:2}") out || fail "what the server prints"
  [[ ! -s err ]] || fail "$(cat err)"
}
# says <descriptor> <line>: the server sends that back.
says() {
  local line
  echo "$2" >&"$1"
  read -r -t 120 line <&"$1" && [[ $line == "$2" ]] || fail "no answer to $2"
}

# More clients than it serves at once; and then it ends at once, as nobody is connected.
start 30000 30000
"$load" "$port" 150 20 >out || fail "the load"
grep -q '^150 clients, 3000 lines' out || fail "$(cat out)"
kill -TERM "$process"
ended 0 'no more connections' 'stopped: 0'

# A client that says nothing is left after the idle time; one that talks is not.
start 5000 30000
exec 4<>"/dev/tcp/127.0.0.1/$port"
says 4 'hello'
read -r -t 120 line <&4 && fail "a line from nowhere: $line"
[[ $? -le 128 ]] || fail 'an idle client is not left' # read has not timed out
exec 4<&-
# An idle client does not hold up the end.
exec 4<>"/dev/tcp/127.0.0.1/$port"
says 4 'again'
kill -INT "$process"
ended 0 'no more connections' 'stopped: 0'
exec 4<&-

# One that does not read its answers holds it up for the grace period, and is stopped then.
start 30000 200
exec 4<>"/dev/tcp/127.0.0.1/$port"
says 4 'hello'
yes "$(printf '%060000d' 1)" >&4 2>/dev/null &
writer=$!
# Until the server cannot write, does not read, and so the writer sleeps, too. While a thread of the server wants a
# processor, the server may go on to read.
for ((still = 0; still < 20; )); do
  still=$((still + 1))
  grep -qs ') S ' "/proc/$writer/stat" || still=0
  ! grep -qs ') R ' /proc/"$process"/task/*/stat || still=0
done
kill -TERM "$process"
ended 0 'no more connections' 'stopped: 1'
kill "$writer" 2>/dev/null
exec 4<&-
wait "$writer" 2>/dev/null

# --- happy_eyeballs ---------------------------------------------------------------------

start 30000 30000
"$eyeballs" 20ms "$port" >out 2>why || fail "one port: $(cat why)"
grep -qx "connected to $port" out || fail "one port: $(cat out)"
"$eyeballs" 60000ms 1 2 "$port" >out 2>why || fail "two that refuse: $(cat why)" # it does not wait a minute
grep -qx "connected to $port" out || fail "two that refuse: $(cat out)"
"$eyeballs" 20ms 1 2 >out 2>why && fail 'none answers, and it succeeds'
[[ $(grep -c 'Connection refused' why) == 2 ]] || fail "none answers: $(cat why)"
kill -TERM "$process"
ended 0 'no more connections' 'stopped: 0'

((failed == 0)) && echo 'all as it must be'
exit $failed
