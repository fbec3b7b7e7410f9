#!/usr/bin/env bash
# up.sh FOLDER [NODES=2] [CPUS=2]: a real Slurm cluster on this one machine, without systemd, cgroups or a database.
# All of it lives in FOLDER; prints `export SLURM_CONF=...`. Needs the packages slurm-wlm and munge. End it with down.sh.
set -euo pipefail
folder=$(realpath -m "$1") nodes=${2:-2} cpus=${3:-2}
mkdir -p "$folder"/{ctld,log,run,munge,dev}
chmod 700 "$folder/munge"
chmod 755 "$folder" "$folder"/{ctld,log,run}
for node in $(seq 1 "$nodes"); do mkdir -p "$folder/spool/n$node"; done
user=$(id -un) host=$(hostname -s)
mapfile -t ports < <(python3 - "$((nodes + 1))" <<'PY'
import socket, sys
probes = [socket.socket() for _ in range(int(sys.argv[1]))]
for probe in probes:
    probe.bind(("127.0.0.1", 0))
print(*[probe.getsockname()[1] for probe in probes], sep="\n")
PY
)
head -c 128 /dev/urandom > "$folder/munge/munge.key"
chmod 400 "$folder/munge/munge.key"
socket=$folder/run/munge.socket
munged --force --num-threads=2 --key-file="$folder/munge/munge.key" --socket="$socket" \
  --pid-file="$folder/run/munged.pid" --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed"
{
  cat <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$socket,cred_expire=5
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_min_interval=100000,batch_sched_delay=0,sched_interval=1
PriorityType=priority/basic
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/log/jobcomp.txt
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
JobRequeue=1
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MinJobAge=300
InactiveLimit=0
MaxArraySize=10001
SlurmdParameters=config_overrides
MailProg=/bin/true
CONF
  for node in $(seq 1 "$nodes"); do
    echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=${ports[$node]} CPUs=$cpus RealMemory=8000" \
      "Gres=gpu:h100:8 State=UNKNOWN"
  done
  echo "PartitionName=cpu Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP"
} > "$folder/slurm.conf"
touch "$folder"/dev/nvidia{0..7}  # eight GPUs a node to be counted and bound, never opened
echo "NodeName=n[1-$nodes] Name=gpu Type=h100 File=$folder/dev/nvidia[0-7]" > "$folder/gres.conf"
export SLURM_CONF="$folder/slurm.conf"
slurmctld -c -f "$SLURM_CONF"
for node in $(seq 1 "$nodes"); do slurmd -N "n$node" -f "$SLURM_CONF"; done
for _ in $(seq 1 400); do
  if [ "$(sinfo -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$nodes" ]; then
    echo "export SLURM_CONF=$SLURM_CONF"
    exit 0
  fi
  sleep 0.05
done
echo "Slurm did not come up; see $folder/log" >&2
exit 1
