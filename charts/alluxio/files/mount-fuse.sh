# Starts the FUSE process, after clearing a mount that a killed one left behind ("Transport endpoint is not connected").
# Environment: MOUNT_POINT. Arguments: those of the image's entrypoint.
set -euo pipefail

is_mounted() {
  local target
  while read -r _ target _; do
    [[ "$target" == "$MOUNT_POINT" ]] && return 0
  done </proc/self/mounts
  return 1
}

detach() {
  if command -v umount >/dev/null; then
    umount -l "$MOUNT_POINT"
  elif command -v fusermount3 >/dev/null; then
    fusermount3 -u -z "$MOUNT_POINT"
  else
    fusermount -u -z "$MOUNT_POINT"
  fi
}

while is_mounted; do
  echo "$MOUNT_POINT is still mounted by a process that is gone: detaching it."
  detach
done
mkdir -p "$MOUNT_POINT"
exec /entrypoint.sh "$@"
