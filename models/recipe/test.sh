#!/usr/bin/env bash
# The recipe's unit tests and a dry run of every stage. ANCHORAGE_PYTHON names a Python that has requirements.txt and PyTorch;
# without it an environment is made in .cache/recipe. The lightest PyTorch for a CPU that a Debian machine can have is its own
# package (1.13, 148 MB with what it needs); where there is none, PyPI's is taken.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

# fetch WHAT LOG COMMAND…: quiet on success; a failure says what and why in one line, then where the log is.
fetch() {
  local what=$1 log="$here/../../.cache/logs/$2.log" status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  log="$(cd "$(dirname "$log")" && pwd)/$(basename "$log")"
  "$@" >"$log" 2>&1 || status=$?
  [ "$status" = 0 ] && return
  local reason
  reason="$(grep -m1 -E '^(E|ERROR): |connection broken' "$log" || tail -n 1 "$log")"
  printf '%s could not be fetched: %s (exit code %s)\nLog: %s\n' "$what" "${reason#*: }" "$status" "$log" >&2
  return "$status"
}
install_packages() {
  # shellcheck disable=SC2086
  fetch "$1 (apt-get)" apt-get-recipe apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends $1
}

python="${ANCHORAGE_PYTHON:-}"
if [ -z "$python" ]; then
  environment="$here/../../.cache/recipe"
  python="$environment/bin/python"
  # The stamp changes with the requirements, so an old environment is made anew.
  stamp="$(cat "$here/requirements.txt" "$0" | sha256sum | cut -d' ' -f1)"
  if [ "$(cat "$environment/stamp" 2>/dev/null || true)" != "$stamp" ]; then
    rm -rf "$environment"
    if ! /usr/bin/python3 -c 'import torch, venv, ensurepip' 2>/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
      packages="python3-torch python3-venv python3-pip"
      export DEBIAN_FRONTEND=noninteractive
      install_packages "$packages" 2>/dev/null ||
        { fetch "The package lists (apt-get)" apt-get-update apt-get -o DPkg::Lock::Timeout=300 update -q && install_packages "$packages"; } || true
    fi
    if /usr/bin/python3 -c 'import torch, venv, ensurepip' 2>/dev/null; then
      /usr/bin/python3 -m venv --system-site-packages "$environment"
      fetch "The recipe's packages (pip)" pip-recipe "$python" -m pip install -q -r "$here/requirements.txt"
    else
      python3 -m venv "$environment"
      fetch "The recipe's packages (pip)" pip-recipe "$python" -m pip install -q -r "$here/requirements.txt" -r "$here/requirements-train.txt"
    fi
    echo "$stamp" > "$environment/stamp"
  fi
fi
cd "$here/.."
exec "$python" -m recipe.tests
