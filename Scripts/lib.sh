# shellcheck shell=bash
# What the scripts share; sourced, never run. Notes go to standard error: standard output belongs to the results.
root=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
note() { echo "${0##*/}: $*" >&2; }
die() { note "error: $*"; exit 1; }

need_swift() {
  command -v swift >/dev/null || die "swift is not on PATH; install Swift 6.3 from https://www.swift.org/install"
}

# apt_get ARGS...: keeps its output to itself unless it fails, and its hands off a pipe the caller is reading from.
apt_get() {
  local log status=0 as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  log=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -qq "$@" 2>&1 </dev/null) || status=$?
  if ((status != 0)); then echo "$log" >&2; fi
  return "$status"
}

install_package() {
  local name=$1
  command -v apt-get >/dev/null || die "$name is missing and there is no apt-get here: install it by hand"
  ((EUID == 0)) || command -v sudo >/dev/null || die "$name is missing: run 'apt-get install $name' as root"
  note "installing $name"
  # The package lists of a fresh container are empty or stale; where they are good, an update would only cost time.
  apt_get install --no-install-recommends "$name" 2>/dev/null && return
  note "updating the package lists"
  apt_get update || note "some package lists could not be updated"
  apt_get install --no-install-recommends "$name" || die "apt-get could not install $name"
}

# need_package CMD_OR_FILE APT_NAME: a name with a slash in it is a file that must exist, any other is a command.
need_package() {
  case $1 in
    */*) [[ -e $1 ]] && return ;;
    *) command -v "$1" >/dev/null && return ;;
  esac
  install_package "$2"
}

need_zstd() {
  # A copy that did not come from apt is as good, and then only pkg-config knows where it is.
  pkg-config --exists libzstd 2>/dev/null || need_package /usr/include/zstd.h libzstd-dev
}

# Leaves an interpreter at $root/.build-venv/bin/python that has what the outside judges import.
python_env() {
  local venv=$root/.build-venv wanted=$root/Tests/Outside/requirements.txt sum
  need_package python3 python3
  # Debian splits venv off: the module is there without its package, but cannot bring pip along.
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv
  sum=$(sha256sum <"$wanted")
  if [[ -x $venv/bin/python && $(cat "$venv/requirements.sha256" 2>/dev/null) == "$sum" ]]; then return; fi
  note "installing Tests/Outside/requirements.txt into .build-venv"
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$wanted" >&2 </dev/null
  # Written last, so that an install which failed half-way is done again.
  echo "$sum" >"$venv/requirements.sha256"
}
