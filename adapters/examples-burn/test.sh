#!/usr/bin/env bash
# Builds and runs the example for burn; what cannot be had is left out, and said.
#
#     ./test.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
source ../functions.sh

needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
  echo "burn needs Rust $needed, and this is $found: its example is not tested"
  exit 0
fi
begin burn "${1:-}"
linted cargo run --quiet
