#!/bin/bash
# Starts one Alluxio process in a container: `entrypoint.sh ROLE [--no-format] [ARGUMENTS]`.
source /opt/alluxio/libexec/common.sh

usage='master-only, job-master, worker-only, job-worker, proxy, logserver, fuse, master, worker'
[[ $# -gt 0 ]] || fail "name what to start: $usage"
role=$1
shift

format=true
arguments=()
for word in "$@"; do
  if [[ $word == --no-format ]]; then format=false; else arguments+=("$word"); fi
done

# Starts Java for a server: $1 its logger, $2 its variable with options, then class and arguments.
serve() {
  local logger=$1 variable=$2
  shift 2
  java_options "Console,$logger" "$variable"
  # Without a heap size from the settings, part of what the container may use.
  has_option '-Xmx*' '-XX:MaxRAM*' || options+=(-XX:MaxRAMPercentage=40)
  run_java "$@"
}

case $role in
  master-only)
    if [[ $format == true ]]; then "$ALLUXIO_HOME/bin/alluxio" formatMaster; fi
    serve MASTER_LOGGER ALLUXIO_MASTER_JAVA_OPTS alluxio.master.AlluxioMaster
    ;;
  job-master)
    serve JOB_MASTER_LOGGER ALLUXIO_JOB_MASTER_JAVA_OPTS alluxio.master.AlluxioJobMaster
    ;;
  worker-only)
    if [[ $format == true ]]; then "$ALLUXIO_HOME/bin/alluxio" formatWorker; fi
    serve WORKER_LOGGER ALLUXIO_WORKER_JAVA_OPTS alluxio.worker.AlluxioWorker
    ;;
  job-worker)
    serve JOB_WORKER_LOGGER ALLUXIO_JOB_WORKER_JAVA_OPTS alluxio.worker.AlluxioJobWorker
    ;;
  proxy)
    serve PROXY_LOGGER ALLUXIO_PROXY_JAVA_OPTS alluxio.proxy.AlluxioProxy
    ;;
  logserver)
    serve Console ALLUXIO_LOGSERVER_JAVA_OPTS alluxio.logserver.AlluxioLogServer \
      "${ALLUXIO_LOGSERVER_LOGS_DIR:-$ALLUXIO_LOGS_DIR}"
    ;;
  fuse)
    exec "$ALLUXIO_HOME/integration/fuse/bin/alluxio-fuse" run "${arguments[@]}"
    ;;
  master | worker)
    # Both processes of a kind in one container, as outside Kubernetes; when one ends, so does this.
    only=("$role-only")
    [[ $format == true ]] || only+=(--no-format)
    "$0" "job-$role" &
    "$0" "${only[@]}" &
    trap 'kill $(jobs -p)' TERM INT
    wait -n
    code=$?
    kill $(jobs -p)
    wait
    exit "$code"
    ;;
  csiserver)
    fail 'this image has no CSI server: it is a Go program, and not published with the Java artifacts'
    ;;
  *)
    fail "there is no role $role; one of: $usage"
    ;;
esac
