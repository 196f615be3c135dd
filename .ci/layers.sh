#!/usr/bin/env bash
# layers.sh: a header in a room of include/roost/detail reaches only that room and those before it, by
# whatever detour; and no header includes itself by one. A room that is not in the table is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

rooms=(sync base wait stop threads operation channel broadcast select scope report parallel trace posix testing)
opt_in=(trace posix testing) # public headers that roost.hpp leaves out, so that only their users pay for them

# check <include folder>: prints what is wrong there, and fails if anything is.
check() {
  local include=$1 faults=0 header name room other edges=""
  fault() { echo "layers: $*" && faults=1; }

  while read -r header; do
    name=${header#"$include"/}
    if [[ $name == roost/detail/* ]]; then
      room=${name#roost/detail/} room=${room%/*}
      [[ " ${rooms[*]} " == *" $room "* ]] || fault "$header is in no room: the table of this script has them"
    fi
    while read -r other; do
      case $other in
      '"'*) fault "$header includes $other: write <roost/...>" ;;
      *) edges+="$name ${other#<}"$'\n' ;;
      esac
    done < <(sed -nE 's/^ *# *include *(<roost[./][^>]*|"[^"]*").*/\1/p' "$header")
  done < <(find "$include" -name '*.hpp' | sort)

  if ! tsort <<<"$edges" >/dev/null 2>"$temp/cycle"; then
    fault "a cycle:" $(sed 's/^tsort: -: *//' "$temp/cycle")
  else
    # What each header reaches. A public one has no room: it counts by what it reaches itself.
    local reached
    reached=$(awk -v rooms="${rooms[*]}" '
      BEGIN { count = split(rooms, names); for (i = 1; i <= count; ++i) rank[names[i]] = i }
      NF == 2 { included[$1] = included[$1] " " $2; all[$1] }
      function rank_of(header, parts) { return split(header, parts, "/") == 4 ? rank[parts[3]] : 0 }
      function highest(header,    others, n, i, top) { # the header of the highest room that it reaches
        if (header in known) return known[header]
        top = header
        n = split(included[header], others, " ")
        for (i = 1; i <= n; ++i)
          if (rank_of(highest(others[i])) > rank_of(top)) top = highest(others[i])
        return known[header] = top
      }
      END {
        for (header in all)
          if (rank_of(header) && rank_of(highest(header)) > rank_of(header))
            print header " reaches " highest(header)
      }' <<<"$edges" | sort)
    while read -r other; do
      [[ -z $other ]] || fault "$other"
    done <<<"$reached"
  fi
  # The umbrella includes every header that is not a detail, but those that are opt-in.
  for header in "$include"/roost/*.hpp; do
    name=${header#"$include"/}
    other=${name#roost/} other=${other%.hpp}
    if [[ " ${opt_in[*]} " == *" $other "* ]]; then
      ! grep -q "^#include <$name>" "$include/roost.hpp" || fault "roost.hpp includes <$name>, which is opt-in"
    else
      grep -q "^#include <$name>" "$include/roost.hpp" || fault "roost.hpp does not include <$name>"
    fi
  done
  return $faults
}

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

# The check itself is checked first: each of these trees has one fault, and it must be found.
expect_fault() {
  local words=$1 out
  if out=$(check "$temp/include") || [[ $out != *"$words"* || $(wc -l <<<"$out") != 1 ]]; then
    echo "layers: the check must find just '$words', and says: $out"
    exit 1
  fi
}
write() {
  mkdir -p "$(dirname "$temp/include/roost$1")"
  printf '%s\n' "${@:2}" >"$temp/include/roost$1.hpp"
}
good() {
  rm -rf "$temp/include"
  write "" '#include <roost/stop.hpp>' '#include <roost/task_scope.hpp>'
  write /stop '#include <roost/detail/stop/context.hpp>' '#include <mutex>'
  write /task_scope '#include <roost/detail/scope/task.hpp>'
  write /detail/wait/parker ''
  write /detail/stop/context '#include <roost/detail/wait/parker.hpp>'
  write /detail/scope/task '#include <roost/stop.hpp>' '#include <roost/detail/wait/parker.hpp>'
}
good && write /detail/wait/parker '#include <roost/detail/select/select_case.hpp>' &&
  write /detail/stop/context '' && write /task_scope '' && write /detail/select/select_case '' &&
  write /detail/scope/task '#include <roost/stop.hpp>' &&
  expect_fault "parker.hpp reaches roost/detail/select/select_case.hpp"
good && write /detail/wait/parker '#include <roost/event.hpp>' && write /event '#include <roost/detail/select/select_case.hpp>' &&
  write /detail/stop/context '' && write /detail/scope/task '' && write /detail/select/select_case '' &&
  write "" '#include <roost/event.hpp>' '#include <roost/stop.hpp>' '#include <roost/task_scope.hpp>' &&
  expect_fault "parker.hpp reaches roost/detail/select/select_case.hpp"
good && write /detail/stop/context '#include <roost/stop.hpp>' && expect_fault "a cycle"
good && write /detail/unheard_of/thing '' && expect_fault "thing.hpp is in no room"
good && write "" '#include <roost/stop.hpp>' && expect_fault "does not include <roost/task_scope.hpp>"
good && write /trace '' && check "$temp/include"
good && write /trace '' && write "" '#include <roost/stop.hpp>' '#include <roost/task_scope.hpp>' '#include <roost/trace.hpp>' &&
  expect_fault "roost.hpp includes <roost/trace.hpp>, which is opt-in"
good && write /task_scope '#include "stop.hpp"' && expect_fault 'includes "stop.hpp"'
good && check "$temp/include"

check include
echo "layers: fine"
