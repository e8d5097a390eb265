#!/usr/bin/env bash
# Checks the types of the example for tch, for which no libtorch is needed.
#
#     ./test.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
target=${1:-${CARGO_TARGET_DIR:-$PWD/target}}
mkdir -p "$target"
target=$(cd "$target" && pwd)
export CARGO_TARGET_DIR=$target CARGO_TERM_COLOR=never

if ! timeout 300 cargo fetch --quiet 2>"$target/fetch.log"; then
  echo "tch's crates are not to be had here: its example is not tested"
  exit 0
fi
cargo fmt --check
cargo clippy --quiet --features types-only -- -D warnings
echo "the types of the example for tch are checked; it is not run, which needs libtorch 2.13"
