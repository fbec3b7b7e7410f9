#!/usr/bin/env bash
# kill_node.sh FOLDER NODE: a power cut of one node of up.sh FOLDER: its slurmd, its steps and their jobs, by their ids.
folder=$(realpath "$1") node=$2
kill -9 "$(cat "$folder/run/slurmd-$node.pid")"
for step in "$folder/spool/$node/${node}_"*; do
  [ -e "$step" ] || continue
  job=${step##*_}
  job=${job%%.*}
  for pid in $(ps -eo pid,args | awk -v title="slurmstepd: [$job." 'index($0, title) {print $1}'); do kill -9 "$pid"; done
done
for pid in $(grep -lszxE "SLURMD_NODENAME=$node" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
  grep -qsz "SLURM_CONF=$folder/slurm.conf" "/proc/$pid/environ" && kill -9 "$pid" 2>/dev/null
done
rm -f "$folder/spool/$node/${node}_"*
exit 0
