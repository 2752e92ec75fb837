# Starts one server. Environment: POD_NAME (ends in -0, -1, ...), JVM (options).
# Runs in any image with zkServer.sh; what an image's own entrypoint would do, making a configuration and a myid, is done here.
set -euo pipefail

if [[ ! -w /data ]]; then
  echo "Error: the directory /data cannot be written by user $(id -u)." >&2
  echo "Fix: give the volume's directory to user $(id -u) and group $(id -g)." >&2
  exit 1
fi

# Server 1 is pod 0: ZooKeeper counts from 1.
id=$((${POD_NAME##*-} + 1))
if [[ -s /data/myid && "$(</data/myid)" != "$id" ]]; then
  echo "Error: the volume of $POD_NAME belongs to server $(</data/myid) of an ensemble, and this is server $id." >&2
  echo "Cause: the order of the hosts changed; two servers with one history would vote twice." >&2
  echo "Fix: give each pod the volume it had; or empty this one, as it holds no more than who leads: while other" \
    "servers are a majority that serves, or the volumes of all where none serves." >&2
  exit 1
fi
echo "$id" >/data/myid

export ZOOCFGDIR=/conf ZOO_LOG_DIR=/tmp JMXDISABLE=true SERVER_JVMFLAGS="$JVM"
exec zkServer.sh start-foreground
