#!/usr/bin/env bash
# Builds the MPI adapter and runs every kind of sweep over 1, 2, 3 and 5 processes, more than there are processors. Needs
# Rust, an MPI with mpicc and mpirun, and libclang; on Debian the packages libopenmpi-dev, openmpi-bin and libclang-dev,
# which it installs where it may. What cannot be had is left out, and said.
#
#     ./test.sh [folder for the build]
set -euo pipefail
cd "$(dirname "$0")"
source ../functions.sh
skip() { echo "$*: the MPI adapter is not tested"; exit 0; }
there() { command -v mpicc >/dev/null && command -v mpirun >/dev/null && ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1; }

if ! there && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  timeout 300 sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends \
    libopenmpi-dev openmpi-bin libclang-dev clang' >/dev/null 2>&1 || true
fi
there || [ -n "${LIBCLANG_PATH:-}" ] || skip "no MPI or no libclang to be had here"

begin MPI "${1:-}"
linted cargo build --quiet
# Open MPI wants to be told that root is meant, and that processes may share a processor, from version 5 on in other
# words. Other MPIs ignore this.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
program=$target/debug/every_kind
folder=$(mktemp -d)
"$program" | grep 'in 1 processes have the bits of one'
for processes in 2 3 5; do
  timeout 120 mpirun -n "$processes" "$program" | grep "in $processes processes have the bits of one"
done

# A process that ends at once, whatever is sent to it, keeps nobody.
status=0
ABSENT=2 timeout 120 mpirun -n 3 "$program" >"$folder/absent" 2>/dev/null || status=$?
test $status != 124
grep 'in 3 processes have the bits of one' "$folder/absent"

# A process that is killed ends the job, with Open MPI. The journal is whole, and the same command goes on with it.
# Which process dies after how many of its gradients:
for death in 1:60 0:100 2:120; do
  if DIE=$death timeout 120 mpirun -n 3 "$program" "$folder/map.journal" >/dev/null 2>&1; then
    echo "over before process and gradient $death"; exit 1
  fi
done
timeout 120 mpirun -n 3 "$program" "$folder/map.journal" | grep 'have the bits of one'
