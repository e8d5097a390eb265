#!/usr/bin/env bash
# Runs the job scripts, job.slurm and examples/shards.slurm, under a Slurm of its own: one node, which is this machine,
# with as many processors as it likes to claim, in a folder and on ports of its own, so that it meets no other Slurm.
#
#     ./slurm_test.sh [the built program every_kind] [the built example shards]
#
# A job of three processes, and two of three shards, are ended midway: by `scontrol requeue`, and by Slurm's signal that
# the time is nearly over. All go on with their journals; the results must have the bits of runs that nothing ended.
#
# Needs Slurm and MUNGE; on Debian the packages slurm-wlm and munge, which it installs where it may. Where they cannot
# be had or started it says so, and nothing is wrong. Once they run, whatever fails is.
set -Eeuo pipefail
scripts=$(cd "$(dirname "$0")/../.." && pwd)
mpi_program=$(realpath -m "${1:-${CARGO_TARGET_DIR:-$scripts/adapters/mpi/target}/debug/every_kind}")
shards_program=$(realpath -m "${2:-${CARGO_TARGET_DIR:-$scripts/target}/debug/examples/shards}")
skip() { echo "$*: the job scripts for Slurm are not tested"; exit 0; }
[ -x "$shards_program" ] || { echo "needs the example: cargo build --example shards"; exit 1; }
[ -x "$mpi_program" ] || mpi_program=

PATH=$PATH:/usr/sbin
there() {
  local program
  for program in munged slurmctld slurmd sbatch scontrol sinfo; do command -v $program >/dev/null || return 1; done
}
if ! there && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  timeout 180 sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends slurm-wlm munge' \
    >/dev/null 2>&1 || true
fi
there || skip "no Slurm to be had here"

# This may itself be a job of Slurm.
unset ${!SLURM_@} ${!SBATCH_@}
folder=$(cd "$(mktemp -d)" && pwd -P)
# MUNGE wants to see that its socket can be reached.
chmod 755 "$folder"
export SLURM_CONF=$folder/slurm.conf
node=$(uname -n)
node=${node%%.*}
user=$(id -un)

# own: what was started with this configuration, or writes to this folder: daemons, what looks after jobs, and jobs.
own() {
  local process
  for process in /proc/[0-9]*; do
    if [ "${process#/proc/}" != $$ ] && { grep -qzxF "SLURM_CONF=$SLURM_CONF" "$process/environ" ||
      [ -n "$(find "$process/fd" -lname "$folder/*" -print -quit)" ]; } 2>/dev/null; then
      echo "${process#/proc/}"
    fi
  done
}
end() {
  local status=$? left
  trap - EXIT
  set +e
  if [ $status != 0 ]; then
    tail -n 30 "$folder"/*.log "$folder"/work/*.out
  fi 2>&1
  # Daemons need not say goodbye to each other, nor the shell that they are gone. Jobs may start until all are.
  exec 2>/dev/null
  for _ in {1..50}; do
    left=$(own)
    [ -n "$left" ] || break
    kill -KILL $left
    sleep 0.1
  done
  rm -rf "$folder"
  exit $status
}
trap end EXIT
trap 'exit 1' INT TERM HUP
trap 'echo "line $LINENO (called from ${BASH_LINENO[0]:-0}) fails: $BASH_COMMAND" >&2' ERR

free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo $port
}
# `cred_expire` is also how long a job waits before it runs again.
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0
ReturnToService=2
JobRequeue=1
KillWait=2
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=16 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
# Slurm can do without control groups; from 24.05 on it must be told to.
version=$(slurmd -V | sed -n 's/.* \([0-9]*\)\.\([0-9]*\).*/\1\2/p')
if [ "${version:-0}" -ge 2405 ]; then echo "CgroupPlugin=disabled" >"$folder/cgroup.conf"; fi

mkdir "$folder/state" "$folder/spool" "$folder/work"
(umask 077 && head -c 1024 /dev/urandom >"$folder/key")
munged --foreground --key-file="$folder/key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/seed" >"$folder/munged.log" 2>&1 &
for _ in {1..50}; do [ -S "$folder/munge.socket" ] && break || sleep 0.1; done
slurmctld -D >/dev/null 2>&1 &
slurmd -D >/dev/null 2>&1 &
state() { timeout 5 sinfo --noheader --format=%T 2>/dev/null || true; }
last=$((SECONDS + 30))
until [ "$(state)" = idle ] || [ $SECONDS -ge $last ]; do sleep 0.2; done
if [ "$(state)" != idle ]; then
  grep -h 'error\|fatal' "$folder"/*.log | tail -n 5 || true
  skip "Slurm does not start here"
fi
echo "$(slurmd -V): runs in $SECONDS s"

# until_true SECONDS WHAT COMMAND…: waits until the command says yes.
until_true() {
  local last=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if [ $SECONDS -ge $last ]; then echo "not within its time: $what"; exit 1; fi
    sleep 0.2
  done
}
# larger FILE BYTES
larger() { [ -e "$1" ] && [ "$(stat -c %s "$1")" -gt "$2" ]; }
# field JOB NAME: what Slurm knows of a job.
field() { scontrol show job "$1" --oneliner | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
restarted() { [ "$(field "$1" Restarts)" = "$2" ]; }
running() { [ "$(field "$1" JobState)" = RUNNING ]; }
completed() { [ "$(field "$1" JobState)" = COMPLETED ]; }

cd "$folder/work"
mkdir -p target/release/examples whole

# For job.slurm: processes that take 0.04 s for a gradient, and would take minutes, until they were started twice again.
cat >program <<END
#!/bin/sh
[ "\${SLURM_RESTART_COUNT:-0}" -ge 2 ] || export PAUSE=40000
exec "$mpi_program" "\$@"
END
# For shards.slurm: shards 1 and 2 stop after some points, and wait for what will end them, until they are started
# again. One that was too quick to be stopped tries again.
cat >target/release/examples/shards <<END
#!/bin/sh
journal=shards/\$2-of-\$3.journal
if [ "\$1" = run ] && [ "\$2" != 0 ] && [ "\${SLURM_RESTART_COUNT:-0}" = 0 ]; then
  until rm -f "\$journal"
    "$shards_program" "\$@" &
    until [ "\$(stat -c %s "\$journal" 2>/dev/null || echo 0)" -gt 8000 ]; do sleep 0.02; done
    kill -STOP \$!
    sleep 0.1
    grep -q '^State:.T' "/proc/\$!/status"
  do :; done
  touch "stopped-\$2"
  wait
fi
exec "$shards_program" "\$@"
END
chmod +x program target/release/examples/shards

mpi= srun=
if [ -n "$mpi_program" ]; then
  # As in test.sh; and processes may be anywhere, since there are fewer processors than the node claims.
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
  export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
  job=$scripts/adapters/mpi/job.slurm
  mpi=$(sbatch --parsable --ntasks=3 --output=mpi.out "$job" ./program map.journal)
  # Another way to start processes, where Slurm and MPI have it in common.
  if srun --mpi=list 2>&1 | grep -qw pmix; then
    srun=$(LAUNCH="srun --mpi=pmix" sbatch --parsable --ntasks=3 --output=srun.out "$job" "$mpi_program")
  fi
else
  echo "no program over MPI was built here: job.slurm is not tested"
fi
shards=$(SHARDS=3 sbatch --parsable --array=0-2 --cpus-per-task=1 --output=shard-%a.out \
  "$scripts/examples/shards.slurm")
merge=$(sbatch --parsable --dependency=afterany:"$shards" --output=merge.out \
  --wrap "target/release/examples/shards merge")
(cd whole && RAYON_NUM_THREADS=1 "$shards_program" run 0 1 && "$shards_program" merge) >whole.out 2>&1 &
whole=$!

# Shard 1 and the processes are queued again, by hand …
until_true 120 "some points of shard 1" test -e stopped-1
scontrol requeue "${shards}_1"
if [ -n "$mpi" ]; then
  until_true 120 "some points of the map" larger map.journal 2000
  scontrol requeue "$mpi"
fi

# … and shard 2 and the processes once more, by their scripts, since they have two minutes left.
until_true 120 "some points of shard 2" test -e stopped-2
scontrol update JobId="${shards}_2" TimeLimit=2
if [ -n "$mpi" ]; then
  until_true 120 "the second round over MPI" running "$mpi"
  restarted "$mpi" 1
  bytes=$(stat -c %s map.journal)
  until_true 120 "more points of the map" larger map.journal $((bytes + 200))
  scontrol update JobId="$mpi" TimeLimit=2
fi
until_true 120 "the signal for shard 2" restarted "${shards}_2" 1
scontrol update JobId="${shards}_2" TimeLimit=60
if [ -n "$mpi" ]; then
  until_true 120 "the signal for the processes" restarted "$mpi" 2
  scontrol update JobId="$mpi" TimeLimit=60
fi

# All end as if nothing had happened.
until_true 120 "the merge, after all shards" completed "$merge"
restarted "${shards}_0" 0
for shard in 1 2; do
  restarted "${shards}_$shard" 1
  # Of 3400.
  grep "shard $shard of 3: [1-9][0-9]* points were there" "shard-$shard.out" | grep -v ' 3400 points'
done
grep 'The time is nearly over: job [0-9]*_2 is queued again' shard-2.out
grep ' 10201 computed, 0 missing' merge.out
wait $whole
grep -v '^#' shards/surface.csv | cmp - <(grep -v '^#' whole/shards/surface.csv)
echo "three shards, two of which were ended, have the bits of a run without shards ($SECONDS s)"
if [ -n "$mpi" ]; then
  until_true 120 "the processes over MPI" completed "$mpi"
  restarted "$mpi" 2
  grep 'The time is nearly over: job [0-9]* is queued again' mpi.out
  grep '[1-9][0-9]* points of the map were in its journal' mpi.out
  grep 'in 3 processes have the bits of one' mpi.out
  if [ -n "$srun" ]; then
    until_true 120 "the processes of srun" completed "$srun"
    grep 'in 3 processes have the bits of one' srun.out
  fi
  echo "processes over MPI that were ended twice have the bits of one process ($SECONDS s)"
fi
