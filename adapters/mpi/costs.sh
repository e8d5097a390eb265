#!/usr/bin/env bash
# What two processes of one thread take beside one process of two threads, in turns, for points of several lengths, and
# what a message takes. Needs what test.sh needs, and two processors that nobody else uses.
#
#     ./costs.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR=${1:-${CARGO_TARGET_DIR:-$PWD/target}}
cargo build --quiet --release --bin costs
program=$CARGO_TARGET_DIR/release/costs
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
export OMPI_MCA_btl_vader_single_copy_mechanism=none
median() { sort -g | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int((NR + 2) / 2)]) / 2 }'; }
mpirun -n 2 "$program" messages 20000 | sed 's/^/µs for a message: /'
# Points along an axis, µs a point.
for case in "301 0" "101 100" "51 1000" "19 20000"; do
  read -r side microseconds <<<"$case"
  points=$((side * side))
  for _ in 1 2 3 4 5 6 7; do
    threads=$("$program" sweep "$side" "$microseconds" 2)
    processes=$(mpirun -n 2 "$program" sweep "$side" "$microseconds" 1)
    echo "$threads $processes"
  done >"$CARGO_TARGET_DIR/costs"
  ratio=$(awk '{ print $1 / $2 }' "$CARGO_TARGET_DIR/costs" | median)
  more=$(awk -v points=$points '{ print ($2 - $1) * 2e6 / points }' "$CARGO_TARGET_DIR/costs" | median)
  echo "$points points of $microseconds µs: speed $ratio of that of two threads, $more µs of a processor more a point"
done
