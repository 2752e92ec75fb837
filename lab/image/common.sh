# Shared by alluxio, entrypoint.sh and alluxio-fuse: where things are, and how a Java process starts.
# Sourced by bash. Words from the environment are split at blanks, never expanded as file names.
set -euf

ALLUXIO_HOME=/opt/alluxio
ALLUXIO_CONF_DIR=${ALLUXIO_CONF_DIR:-$ALLUXIO_HOME/conf}
ALLUXIO_LOGS_DIR=${ALLUXIO_LOGS_DIR:-$ALLUXIO_HOME/logs}
readonly libexec=$ALLUXIO_HOME/libexec

fail() {
  printf 'Error: %s\n' "$1" >&2
  exit 1
}

# Prints $1 with each ${ALLUXIO_NAME} in it replaced by that variable's value. The chart writes such
# words literally into the environment, since only the pod knows its addresses.
expand() {
  local rest=$1 name
  while [[ $rest =~ \$\{(ALLUXIO_[A-Z0-9_]+)\} ]]; do
    name=${BASH_REMATCH[1]}
    printf '%s' "${rest%%"\${$name}"*}${!name-}"
    rest=${rest#*"\${$name}"}
  done
  printf '%s' "$rest"
}

# Appends the words of each named environment variable to the array `options`, in this order: what
# comes later wins in Java.
add_options() {
  local variable
  for variable in "$@"; do
    # shellcheck disable=SC2206  # splitting is meant; file names are not expanded (set -f)
    options+=($(expand "${!variable-}"))
  done
}

# True when a word of `options` starts with one of the patterns given.
has_option() {
  local option pattern
  for option in "${options[@]}"; do
    for pattern in "$@"; do
      # shellcheck disable=SC2053  # a pattern is meant
      [[ $option == $pattern ]] && return 0
    done
  done
  return 1
}

# Fills `options` for a process that logs as $1 (log4j appenders, separated by commas). The names that
# follow are environment variables with more options.
java_options() {
  local log4j=$ALLUXIO_CONF_DIR/log4j.properties
  # A volume over the configuration directory hides ours.
  [[ -f $log4j ]] || log4j=$libexec/log4j.properties
  options=(
    -Dalluxio.home="$ALLUXIO_HOME"
    -Dalluxio.conf.dir="$ALLUXIO_CONF_DIR"
    -Dalluxio.logs.dir="$ALLUXIO_LOGS_DIR"
    -Dalluxio.user.logs.dir="${ALLUXIO_USER_LOGS_DIR:-$ALLUXIO_LOGS_DIR/user}"
    -Dalluxio.logger.type="$1"
    -Dlog4j.configuration=file:"$log4j"
    -Dalluxio.master.update.check.enabled=false
    -Dalluxio.fuse.jnifuse.libfuse.version=3
    -Djava.net.preferIPv4Stack=true
    -Dorg.apache.ratis.thirdparty.io.netty.allocator.useCacheForAllThreads=false
    -XX:SharedArchiveFile="$libexec/classes.jsa"
    # The virtual machine prints its warnings where programs print their results, unless told.
    -Xlog:disable -Xlog:all=warning:stderr
  )
  shift
  add_options ALLUXIO_JAVA_OPTS
  if [[ -n ${ALLUXIO_MASTER_HOSTNAME-} ]]; then
    options+=(-Dalluxio.master.hostname="$ALLUXIO_MASTER_HOSTNAME")
  fi
  add_options "$@"
  # Small heaps and many processes on few cores: the serial collector starts fastest.
  has_option '-XX:+Use*GC' || options+=(-XX:+UseSerialGC)
}

# Replaces this shell by Java running class $1 with the arguments that follow.
run_java() {
  local classpath
  classpath=$(< "$libexec/classpath")${ALLUXIO_CLASSPATH:+:$ALLUXIO_CLASSPATH}
  exec java "${options[@]}" -cp "$classpath" "$@"
}
