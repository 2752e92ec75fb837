#!/bin/sh
# Remove from a root ($1) what no measurement needs: botocore knows some 400 services, and S3 is the one we ask.
set -eu
root=${1%/}
data=$root/usr/lib/python3/dist-packages/botocore/data
[ -d "$data/s3" ] || { echo "no S3 in $data" >&2; exit 1; }
for service in "$data"/*/; do
  case $(basename "$service") in
    s3 | sts) ;;
    *) rm -r "$service" ;;
  esac
done
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/lintian
