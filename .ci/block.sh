#!/usr/bin/env bash
# block.sh <file> <mark>: the block of code that follows the line <!-- ci: mark --> of the file.
set -euo pipefail
cd "$(dirname "$0")/.."
block=$(awk -v mark="<!-- ci: $2 -->" '
  $0 == mark { marked = 1; next }
  marked && !on && /^```[a-z]+$/ { on = 1; next }
  on && /^```$/ { exit }
  on' "$1")
[[ -n $block ]] || { echo "$1 has no block of code after <!-- ci: $2 -->" >&2 && exit 1; }
printf '%s\n' "$block"
