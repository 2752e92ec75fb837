#!/bin/bash
# The part of train.sh that runs in the image, as the user that pods run as: train-inside.sh VERSION
set -euo pipefail
lists=/tmp/lists
mkdir -p "$lists" /tmp/ufs
export ALLUXIO_MASTER_HOSTNAME=127.0.0.1
# A literal ${...} in the settings, as the chart writes it.
export ALLUXIO_WORKER_HOSTNAME=127.0.0.1
export ALLUXIO_JAVA_OPTS='-Dalluxio.master.mount.table.root.ufs=/tmp/ufs
  -Dalluxio.master.journal.type=EMBEDDED -Dalluxio.master.journal.folder=/tmp/journal
  -Dalluxio.master.embedded.journal.addresses=127.0.0.1:19200
  -Dalluxio.worker.hostname=${ALLUXIO_WORKER_HOSTNAME}
  -Dalluxio.worker.ramdisk.size=512MB -Dalluxio.worker.tieredstore.level0.dirs.path=/tmp/tier0
  -Dalluxio.user.metrics.collection.enabled=false'

start() { # ROLE VARIABLE
  export "$2=-Xmx256m -XX:DumpLoadedClassList=$lists/$1"
  /entrypoint.sh "$1" --no-format > "/tmp/$1.out" 2>&1 &
}

operator() { # ARGUMENTS...: one alluxio command, its classes listed
  ALLUXIO_USER_JAVA_OPTS="-XX:DumpLoadedClassList=$lists/command-$((++commands))" alluxio "$@"
}
commands=0

because() {
  printf 'training failed at line %s\n' "$1"
  tail -n 20 /tmp/*.out
}
trap 'because $LINENO' ERR

alluxio formatJournal
start master-only ALLUXIO_MASTER_JAVA_OPTS
start job-master ALLUXIO_JOB_MASTER_JAVA_OPTS
start worker-only ALLUXIO_WORKER_JAVA_OPTS
start job-worker ALLUXIO_JOB_WORKER_JAVA_OPTS

live() { grep -q 'Alluxio worker started' /tmp/worker-only.out && grep -q 'Alluxio job worker version' /tmp/job-worker.out; }
until live; do
  # Four processes, all of them running; minutes only where others use the machine too.
  [[ $(jobs -pr | wc -l) -eq 4 && $SECONDS -lt 400 ]]
  sleep 0.5
done

operator fsadmin report
operator runTests
operator fs mkdir /train
operator fs copyFromLocal /etc/passwd /train/passwd
operator fs ls -R /
operator fs cat /train/passwd > /tmp/passwd
cmp /etc/passwd /tmp/passwd
operator fs checksum /train/passwd
operator fs checkConsistency /
operator fs free /train
operator fs rm -R /train
operator getConf alluxio.master.hostname
[[ $(alluxio version) == "$1" ]]

# A bucket that nobody serves: the S3 client's classes are loaded before it fails to connect.
read_from_nowhere() {
  alluxio fs mount --option alluxio.underfs.s3.endpoint=http://127.0.0.1:9 \
    --option alluxio.underfs.s3.region=none --option s3a.accessKeyId=training \
    --option s3a.secretKey=training /nowhere s3://nowhere/ && timeout 10 alluxio fs ls /nowhere
}
if read_from_nowhere > /tmp/nowhere.out 2>&1; then
  printf 'reading a bucket that nobody serves succeeded\n'
  false
fi

kill $(jobs -p)
wait
cat "$lists"/* | LC_ALL=C sort -u > /tmp/classes
java -Xshare:dump -XX:+UseG1GC -Xmx512m -XX:SharedClassListFile=/tmp/classes -XX:SharedArchiveFile=/tmp/classes.jsa \
  -Xlog:disable -Xlog:all=error:stderr -cp "$(< /opt/alluxio/libexec/classpath)"
printf 'classes listed: %s\n' "$(wc -l < /tmp/classes)"
