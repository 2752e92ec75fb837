# Makes a backup of the metadata in the root under store, then removes older ones so that KEEP whole ones stay (0: all).
# One more than 5 times as large as the new one stays: what this cache has forgotten, such as after a journal was lost,
# may be in none but the older ones.
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
size_of() { sed -nE "s/.* ([0-9]+) +[A-Z_]+ .*\/$1\$/\1/p" <<<"$listed"; }
if ((KEEP > 0)); then
  # Names begin with their date: sorted backwards, the newest come first.
  names=$(sed -nE 's/.*(alluxio-backup-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{12,14}\.gz)$/\1/p' <<<"$listed" | sort -r)
  # One that is not whole counts for none, and goes with the whole ones of its age; a younger one may be being written.
  whole=0
  for name in $names; do
    if ((whole >= KEEP)); then
      if (($(size_of "$name") > 5 * $(size_of "$made"))); then
        echo "$name stays: it is more than 5 times as large as $made. Remove it by hand if the cache is to know so little." >&2
      elif [[ "$name" != "$made" ]]; then
        alluxio fs rm "$CACHE_FOLDER/$name*"
      fi
    elif grep -q "/$name.complete\$" <<<"$listed"; then
      whole=$((whole + 1))
    fi
  done
fi
# Listing has put the directory into the cache's metadata; a backup is no data of the cache.
alluxio fs rm -R --alluxioOnly "/${CACHE_FOLDER#/}" >/dev/null
