# Readiness of one of several masters: its journal takes part (where it has a port of its own) and a leader serves, itself or
# another. A standby master opens its ports and answers nothing, so a port alone would tell neither.
# Environment: SELF, MASTERS (host names, comma-separated), WEB_PORT, JOURNAL_PORT (empty: the journal has none).
set -uo pipefail

if [[ -n "$JOURNAL_PORT" ]] && ! timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$SELF" "$JOURNAL_PORT" 2>/dev/null; then
  echo "the journal's port $JOURNAL_PORT is closed"
  exit 1
fi

serves() {
  timeout 1 bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit 1
    printf "GET /api/v1/master/webui_init HTTP/1.0\r\nHost: %s\r\n\r\n" "$0" >&3
    read -r -u 3 status && [[ "$status" == "HTTP/"*" 200"* ]]' "$1" "$WEB_PORT" 2>/dev/null
}

serves "$SELF" && exit 0
IFS=, read -r -a masters <<<"$MASTERS"
for master in "${masters[@]}"; do
  if [[ "$master" != "$SELF" ]] && serves "$master"; then
    exit 0
  fi
done
echo "no master of $MASTERS serves"
exit 1
