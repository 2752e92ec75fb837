# Makes a backup of the metadata in the root under store, then removes older ones so that KEEP whole ones stay (0: all).
# One more than 5 times as large as the new one stays: what this cache has forgotten, such as after a journal was lost,
# may be in none but the older ones. Nor goes one from before the leader was last started: Kubernetes starts masters on
# whatever is mounted, and here nobody can compare journals, as `alluxops backup` does.
# Environment: UFS_FOLDER, the directory as the under store names it; CACHE_FOLDER, the same as a path of the cache; KEEP.
set -euo pipefail

# A Job that was there before, or that someone makes of the suspended CronJob.
case "${ALLUXIO_JAVA_OPTS:-} ${ALLUXIO_MASTER_JAVA_OPTS:-}" in
*alluxio.master.journal.init.from.backup=*)
  echo "A restore has not ended: the cache may hold a part of the metadata only, and no backup of that is made." >&2
  exit 1
  ;;
esac

# Progress is overwritten in place, and the answer follows on the same line.
made=""
if answer=$(alluxio fsadmin backup "$UFS_FOLDER" --allow-leader | tr '\r' '\n'); then
  made=$(sed -n 's/^Backup URI *: .*\///p' <<<"$answer")
fi
if [[ -z "$made" ]]; then
  printf '%s\n' "$answer" "No backup was made in $UFS_FOLDER; the reason stands above." >&2
  exit 1
fi
sed -n '/^Backup [HUE]/p' <<<"$answer"

# What lies in the under store now, not what the cache remembers of it.
listed=$(alluxio fs -Dalluxio.user.file.metadata.sync.interval=0 ls "$CACHE_FOLDER")
if ! grep -q "/$made.complete\$" <<<"$listed"; then
  echo "The backup $made is not whole in the under store." >&2
  exit 1
fi
# The number in a name is the time in milliseconds.
time_of() { local name=${1%.gz} && echo "${name##*-}"; }
size_of() { sed -nE "s/.* ([0-9]+) +[A-Z_]+ .*\/$1\$/\1/p" <<<"$listed"; }
if ((KEEP > 0)); then
  # Names begin with their date: sorted backwards, the newest come first.
  names=$(sed -nE 's/.*(alluxio-backup-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{12,14}\.gz)$/\1/p' <<<"$listed" | sort -r)
  # Seconds, as a sum; 0 where the leader does not tell. SECONDS is the time since before the new backup was begun.
  n='([0-9]+) [^0-9]*'
  up=$(alluxio fsadmin report summary | sed -nE "s/^ *Uptime: $n$n$n$n\$/\1*86400+\2*3600+\3*60+\4/p") || up=0
  started=$(($(time_of "$made") - 1000 * (${up:-0} - SECONDS)))
  earlier=0
  # One that is not whole counts for none, and goes with the whole ones of its age; a younger one may be being written.
  whole=0
  for name in $names; do
    if ((whole >= KEEP)); then
      if [[ "$name" == "$made" ]]; then
        continue
      elif (($(time_of "$name") < started)); then
        earlier=$((earlier + 1))
      elif (($(size_of "$name") > 5 * $(size_of "$made"))); then
        echo "$name stays: it is more than 5 times as large as $made. Remove it by hand if the cache is to know so little." >&2
      else
        alluxio fs rm "$CACHE_FOLDER/$name*"
      fi
    elif grep -q "/$name.complete\$" <<<"$listed"; then
      whole=$((whole + 1))
    fi
  done
  if ((earlier > 0)); then
    echo "$earlier older stay: the leader was started after they were made, or does not tell when, so they may be of" \
      "another journal. \`alluxops backup\` compares the journals, and removes what is too many." >&2
  fi
fi
# Listing has put the directory into the cache's metadata; a backup is no data of the cache.
alluxio fs rm -R --alluxioOnly "/${CACHE_FOLDER#/}" >/dev/null
