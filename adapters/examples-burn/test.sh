#!/usr/bin/env bash
# Checks the types of the example for burn, or runs it, for which twice as much is compiled; what cannot be had is left
# out, and said.
#
#     ./test.sh [folder for the build] [run]
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
if [ "${2:-}" = run ]; then
  linted cargo run --quiet
else
  linted cargo check --quiet
  echo "the types of the example for burn are checked; it is not run"
fi
