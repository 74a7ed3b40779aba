#!/usr/bin/env bash
# record.sh COMMAND…: runs a command where every address, known or not, leads to a loopback of its own, and prints the
# packets that were sent there to file descriptor 3. Run it under `unshare -rn`.
set -euo pipefail
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo 2>/dev/null || true
status=0
"$@" || status=$?
awk '$1 == "lo:" { print $11 }' /proc/net/dev >&3
exit "$status"
