#!/usr/bin/env bash
# layers.sh: each header includes only headers of its own layer or of those before it, and none includes
# itself by a detour. A header that is in no layer is an error, so that this table cannot rot.
set -euo pipefail
cd "$(dirname "$0")/.."

# Names are relative to include/roost; ".hpp" is left out.
layers=(
  # 1 what waits and wakes
  "version clock site
   detail/hardware_threads detail/pause detail/short_wait detail/spin_lock detail/word_sleep detail/parker detail/intrusive_list detail/wait_record detail/die detail/thread_slot detail/random detail/view detail/start_thread detail/line_of detail/intrusive_heap detail/unwinding"
  # 2 stops and failures, and where they reach a thread
  "stop failure this_task shield stop_when
   detail/timekeeper detail/fork_watch detail/crew detail/tree detail/context detail/layer detail/stand_in detail/task_domain detail/task_context"
  # 3 primitives: they know contexts, not scopes
  "channel channel_result overflow event wait_group select selector semaphore ticker weak_sender broadcast watch shared_result barrier
   detail/primitive_lock detail/attempt detail/wait_queue detail/item_block detail/block_queue detail/stored_item detail/item_batch detail/channel_line detail/channel_exchange detail/channel_core
   detail/channel_end detail/channel_case detail/select_case detail/select_first detail/case_timers
   detail/shared_item detail/broadcast_core detail/broadcast_end detail/broadcast_case"
  # 4 scopes
  "scope_options task_handle task_scope background_scope with_scope
   detail/block_cache detail/task detail/seat detail/task_line detail/stall_report detail/scope_outcome detail/scope_owner detail/scope_watch
   detail/scope_runner detail/scope_threads detail/scope_state"
  # 5 what is built from scopes
  "when_all when_any for_each transform parallel_options
   detail/joint_tasks detail/range_of detail/workers"
)

# check <include folder>: prints what is wrong there, and fails if anything is.
check() {
  local include=$1 faults=0 layer=0 names name header other edges=""
  declare -A layer_of=([../roost]=99) # the umbrella may include all, and nobody it
  for names in "${layers[@]}"; do
    layer=$((layer + 1))
    for name in $names; do layer_of[$name]=$layer; done
  done
  fault() { echo "layers: $*" && faults=1; }

  while read -r header; do
    name=${header#"$include"/roost/} name=${name%.hpp}
    if [[ $header == "$include/roost.hpp" ]]; then name=../roost; fi
    if [[ -z ${layer_of[$name]-} ]]; then
      fault "$header is in no layer: put it into the table of this script"
      continue
    fi
    while read -r other; do
      case $other in
      '"'*) fault "$header includes $other: write <roost/...>" && continue ;;
      '<roost.hpp') other=../roost ;;
      *) other=${other#<roost/} other=${other%.hpp} ;;
      esac
      edges+="$name $other"$'\n'
      if ((${layer_of[$other]:-98} > layer_of[$name])); then
        fault "$header (layer ${layer_of[$name]}) includes $other (layer ${layer_of[$other]:-none})"
      fi
    done < <(sed -nE 's/^ *# *include *(<roost[./][^>]*|"[^"]*").*/\1/p' "$header")
  done < <(find "$include" -name '*.hpp' | sort)

  if ! tsort <<<"$edges" >/dev/null 2>"$temp/cycle"; then
    fault "a cycle:" $(sed 's/^tsort: -: *//' "$temp/cycle")
  fi
  # The umbrella includes every header that is not a detail.
  for header in "$include"/roost/*.hpp; do
    name=${header#"$include"/}
    grep -q "^#include <$name>" "$include/roost.hpp" || fault "roost.hpp does not include <$name>"
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
write() { printf '%s\n' "${@:2}" >"$temp/include/roost$1.hpp"; }
good() {
  mkdir -p "$temp/include/roost/detail"
  rm -f "$temp"/include/roost/*.hpp "$temp"/include/roost/detail/*.hpp
  write "" '#include <roost/stop.hpp>' '#include <roost/task_scope.hpp>'
  write /stop '#include <roost/detail/parker.hpp>' '#include <mutex>'
  write /task_scope '#include <roost/stop.hpp>'
  write /detail/parker ''
}
good && write /detail/parker '#include <roost/task_scope.hpp>' && write /task_scope '' && expect_fault "parker.hpp (layer 1) includes task_scope (layer 4)"
good && write /detail/context '#include <roost/stop.hpp>' && write /stop '#include <roost/detail/context.hpp>' && expect_fault "a cycle"
good && write /detail/unheard_of '' && expect_fault "unheard_of.hpp is in no layer"
good && write "" '#include <roost/stop.hpp>' && expect_fault "does not include <roost/task_scope.hpp>"
good && write /task_scope '#include "stop.hpp"' && expect_fault 'includes "stop.hpp"'
good && check "$temp/include"

check include
echo "layers: fine"
