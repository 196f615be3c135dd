#!/usr/bin/env bash
# copy_tree.sh <dest>: copies what belongs to the project, as a clone or a tarball holds it: no build
# trees, nothing ignored.
set -euo pipefail
mkdir -p "$1"
dest=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- | tar -x -C "$dest"
