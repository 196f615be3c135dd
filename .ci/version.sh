#!/usr/bin/env bash
# version.sh [tag]: prints the version, as include/roost/version.hpp has it. With a tag: fails unless that is
# v<version>, and the README tells of the version's changes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -nE 's/^#define ROOST_VERSION_(MAJOR|MINOR|PATCH) //p' include/roost/version.hpp | paste -sd.)
echo "$version"
if (($#)); then
  [[ $1 == "v$version" ]] || { echo "version.sh: the tag must be v$version, and is $1" >&2 && exit 1; }
  grep -qE "^### ${version//./\\.}, [0-9]{4}-[0-9]{2}-[0-9]{2}$" README.md ||
    { echo "version.sh: README.md must have the line '### $version, <yyyy-mm-dd>' under Changes" >&2 && exit 1; }
fi
