# Formats a new journal, and only a new one: a journal that holds anything is left as it is.
# Run by bash in an init container of each master. Environment: JOURNAL (the volume's mount point), POD_NAME (ends in -0, -1, ...),
# JOURNAL_SHARED ("true" where all masters have one journal), WAIT_S (how long the others wait for master 0).
set -euo pipefail

# Lies in the journal while it is being formatted. A formatting that died half-way is begun again: no master ran on it.
unfinished="$JOURNAL/.format-unfinished"

# What a file system puts into a volume of its own accord is no content. Fails where the volume cannot be read.
content() {
  find "$JOURNAL" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name .snapshot ! -name "${unfinished##*/}" | sort
}

# Entries that a master has written, to a UFS journal or an embedded one.
entries() {
  find "$JOURNAL" \( -name lost+found -o -name .snapshot \) -prune -o -type f \( -path '*/v1/logs/*' \
    -o -path '*/v1/checkpoints/*' -o -path '*/raft/*/current/log*' -o -path '*/raft/*/sm/*' \) -print
}

if [[ ! -d "$JOURNAL" || ! -r "$JOURNAL" || ! -w "$JOURNAL" || ! -x "$JOURNAL" ]]; then
  echo "Error: the journal's directory $JOURNAL cannot be read and written by user $(id -u)." >&2
  echo "Fix: give the volume's directory to user $(id -u) and group $(id -g)." >&2
  exit 1
fi

if [[ "$JOURNAL_SHARED" == true && "${POD_NAME##*-}" != 0 ]]; then
  # Two masters must not format one journal at once: the first does it, the others wait for it.
  for ((waited = 0; waited < WAIT_S; waited++)); do
    found=$(content)
    if [[ ! -e "$unfinished" && -n "$found" ]]; then
      echo "The shared journal is formatted."
      exit 0
    fi
    sleep 1
  done
  echo "Error: waited $WAIT_S s for master 0 to format the journal in $JOURNAL, and it is still empty." >&2
  echo "Fix: masters that elect their leader through ZooKeeper need one volume for all of them (ReadWriteMany)." >&2
  exit 1
fi

# By themselves: in a condition, one that failed would count as empty.
found=$(content)
written=
[[ ! -e "$unfinished" ]] || written=$(entries)
if [[ -n "$written" ]]; then
  echo "A formatting of $JOURNAL did not end, and a master has written to it since: left as it is, nothing formatted."
  exit 0
fi

if [[ ! -e "$unfinished" && -n "$found" ]]; then
  echo "The journal in $JOURNAL is not empty ($(content | wc -l) entries, the first: $(basename "${found%%$'\n'*}")): left as it is, nothing formatted."
  exit 0
fi

if [[ -e "$unfinished" ]]; then
  echo "An earlier formatting of $JOURNAL did not end: formatting again."
else
  echo "The journal in $JOURNAL is empty: formatting."
fi
touch "$unfinished"
alluxio formatJournal
rm -f "$unfinished"
echo "Formatted."
