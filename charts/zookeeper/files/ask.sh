# Asks the server of this pod. Argument: `alive` (it answers) or `serves` (it is in a quorum). Environment: PORT.
set -uo pipefail

ask() {
  timeout 4 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf %s "$1" >&3 && cat <&3' "$PORT" "$1" 2>/dev/null
}

if [[ "$1" == alive ]]; then
  [[ "$(ask ruok)" == imok ]] && exit 0
  echo "the server does not answer on port $PORT"
  exit 1
fi
answer=$(ask srvr)
# A server without a quorum says "This ZooKeeper instance is not currently serving requests".
[[ "$answer" == *"Mode: leader"* || "$answer" == *"Mode: follower"* || "$answer" == *"Mode: standalone"* ]] && exit 0
echo "not in a quorum: ${answer:-no answer on port $PORT}"
exit 1
