#!/bin/bash
# Makes the class archive of an image: boots Alluxio in it on a loopback of its own, runs the commands
# that operators run, and dumps the classes that were loaded. An image that fails here is not built.
#   train.sh LAYERS SCRATCH VERSION    LAYERS as overlayfs wants them, top first; writes SCRATCH/classes.jsa
# Runs in mount, process and network namespaces that end with it.
set -euo pipefail
layers=$1 scratch=$2 version=$3
root=$scratch/root
mkdir -p "$root" "$scratch/upper" "$scratch/work"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
printf '127.0.0.1 localhost %s\n' "$(hostname)" > "$root/etc/hosts"
ip link set lo up
install -m 0755 "$(dirname "$0")/train-inside.sh" "$root/tmp/train-inside.sh"
as_alluxio=(setpriv --reuid=1000 --regid=1000 --clear-groups)
chroot "$root" env -i PATH=/opt/alluxio/bin:/usr/bin:/bin HOME=/tmp AWS_EC2_METADATA_DISABLED=true \
  "${as_alluxio[@]}" /tmp/train-inside.sh "$version"
cp "$root/tmp/classes.jsa" "$scratch/classes.jsa"
