#!/usr/bin/env bash
# Checks the types of the example for tch, for which no libtorch is needed.
#
#     ./test.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
source ../functions.sh
begin tch "${1:-}"
linted cargo check --quiet --features types-only
echo "the types of the example for tch are checked; it is not run, which needs libtorch"
