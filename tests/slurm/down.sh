#!/usr/bin/env bash
# down.sh FOLDER: end the daemons that up.sh FOLDER has started, and no others.
folder=$(realpath "$1")
export SLURM_CONF="$folder/slurm.conf"
scancel --state=PENDING,RUNNING --user="$(id -un)" 2>/dev/null || true
sleep 0.3
for file in "$folder"/run/slurmd-*.pid "$folder"/run/slurmctld.pid "$folder"/run/munged.pid; do
  [ -s "$file" ] && kill "$(cat "$file")" 2>/dev/null
done
exit 0
