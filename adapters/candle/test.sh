#!/usr/bin/env bash
# Builds the adapter for candle and tests it; what cannot be had is left out, and said.
#
#     ./test.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
source ../functions.sh
begin candle "${1:-}"

linted cargo test --quiet --tests
# Exact products, for which candle must be told at its start.
CANDLE_GRAD_DO_NOT_DETACH=1 linted cargo test --quiet --test exact
RUSTDOC=$PWD/../rustdoc.sh linted cargo test --quiet --doc
linted cargo test --quiet --no-run --bench overhead
linted cargo build --quiet --example digits
(cd "$(mktemp -d)" && "$target/debug/examples/digits" && test -s digits.svg)
