#!/usr/bin/env bash
# Runs the example for tch with the libtorch of Python's torch, or checks its types where there is none that fits.
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
version=$(python3 -c 'import torch; print(torch.__version__)' 2>/dev/null || echo none)
case $version in
  2.13.*)
    libraries=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
    LIBTORCH_USE_PYTORCH=1 LD_LIBRARY_PATH=$libraries cargo run --quiet
    ;;
  *) echo "tch 0.26 needs PyTorch 2.13, and here is $version: the types of its example are checked, and it is not run" ;;
esac
