#!/usr/bin/env bash
# Makes sure that a Docker Engine answers: uses a running one, else installs and starts Debian's as root.
#
#   REQUIRE_CONTAINERS=1   fail when there is no engine, instead of a message and success; and install what tests
#                          start beside it: an SSH server, which is not left running, and Podman
#   DOCKER_LOG             where a started engine writes its log
#
# Exit status: 0 an engine answers, or none does and none is required; 1 none answers and one is required.
set -euo pipefail

export PATH="$PATH:/usr/sbin:/sbin" # where dockerd, containerd and iptables are, also for a plain user's shell
socket=/var/run/docker.sock
log=${DOCKER_LOG:-/var/log/wharf-dockerd.log}
lock=${TMPDIR:-/tmp}/wharf-docker-$(id -u).lock

say() { printf 'docker.sh: %s\n' "$*" >&2; }

# give_up ends without an engine.
give_up() {
  say "no Docker Engine: $*"
  if [ "${REQUIRE_CONTAINERS:-}" = 1 ]; then
    exit 1
  fi
  say "tests that need containers will be skipped (REQUIRE_CONTAINERS=1 makes this an error)"
  exit 0
}

# answers tells whether an engine answers. Debian 13 ships the engine without the client, hence curl; macOS has no
# timeout.
answers() {
  if command -v docker >/dev/null; then
    if command -v timeout >/dev/null; then
      timeout 10 docker info >/dev/null 2>&1
    else
      docker info >/dev/null 2>&1
    fi
  elif command -v curl >/dev/null && [ -S "$socket" ]; then
    curl --silent --fail --max-time 10 --unix-socket "$socket" http://docker/_ping >/dev/null
  else
    return 1
  fi
}

# wait_for waits until the engine answers, or until the process it was given is gone.
wait_for() {
  local deadline=$((SECONDS + 60)) pid=${1:-}
  until answers; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      return 1
    fi
    if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
      return 1
    fi
    sleep 0.2
  done
}

# apt_get waits for another apt. DPkg::Lock::Timeout does not cover the lists' lock, hence the retries.
apt_get() {
  local try
  for try in 1 2 3 4 5 6; do
    if DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" >>"$log" 2>&1; then
      return 0
    fi
    [ "$try" = 6 ] || sleep 5
  done
  return 1
}

install_engine() {
  local packages=docker.io
  if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ]; then
    say "fetching the package lists"
    apt_get update || return 1
  fi
  if apt-cache show docker-cli >/dev/null 2>&1; then
    packages="$packages docker-cli"
  fi
  say "installing $packages"
  # shellcheck disable=SC2086 # a list of packages
  apt_get install --no-install-recommends $packages iptables ca-certificates && return 0
  apt_get update && apt_get install --no-install-recommends $packages iptables ca-certificates
}

# drop_stale removes a pid file left by a crash. After a reboot its number may belong to another program, and
# then the daemon refuses to start.
drop_stale() {
  local file=$1 program=$2 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file" 2>/dev/null || true)
  if [ -z "$pid" ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" != "$program" ]; then
    say "removing the stale $file"
    rm -f "$file"
  fi
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    systemctl start docker >>"$log" 2>&1 || return 1
    wait_for
    return
  fi
  drop_stale /var/run/docker.pid dockerd
  drop_stale /var/run/docker/containerd/containerd.pid containerd
  if [ -f /var/run/docker.pid ]; then # another caller's engine is on its way up
    wait_for "$(cat /var/run/docker.pid)"
    return
  fi
  say "starting dockerd, log in $log"
  # Nothing of the caller's may stay open in the daemon: whoever reads our output would wait for it for ever.
  (
    for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
    exec setsid dockerd >>"$log" 2>&1 </dev/null
  ) &
  wait_for $!
}

# install_beside installs what tests start themselves. Without it they fail, and say what is missing.
install_beside() {
  local missing=""
  command -v ip >/dev/null || missing="$missing iproute2"
  command -v ssh >/dev/null || missing="$missing openssh-client"
  command -v sshd >/dev/null || missing="$missing openssh-server"
  command -v podman >/dev/null || missing="$missing podman"
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then
    missing="$missing docker-cli"
  fi
  if [ -z "$missing" ] || [ "${REQUIRE_CONTAINERS:-}" != 1 ]; then
    return 0
  fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "not installed:$missing"
    return 0
  fi
  local began=$SECONDS
  if [ -d /run/systemd/system ] && ! command -v sshd >/dev/null; then
    systemctl mask --quiet --runtime ssh.service ssh.socket || true
  fi
  # shellcheck disable=SC2086 # a list of packages
  if ! apt_get install --no-install-recommends $missing && ! { apt_get update && apt_get install --no-install-recommends $missing; }; then
    tail -n 15 "$log" >&2
    say "apt-get could not install$missing (log above, all of it in $log); tests that need them will fail"
    return 0
  fi
  if [ -d /run/systemd/system ] && [ "${missing#*openssh-server}" != "$missing" ]; then
    systemctl disable --quiet ssh.service ssh.socket || true
  fi
  say "installed$missing in $((SECONDS - began)) s"
}

ensure_engine() {
  if answers; then
    return 0
  fi
  if [ -n "${DOCKER_HOST:-}" ] && [ "${DOCKER_HOST#unix://}" != "$socket" ]; then
    give_up "DOCKER_HOST=$DOCKER_HOST does not answer; start it, or unset DOCKER_HOST"
  fi
  if [ "$(id -u)" != 0 ]; then
    give_up "none answers on $socket and only root can start one; start Docker, set DOCKER_HOST, or run as root"
  fi
  exec 9>"$lock"
  flock 9 # two callers must not start two engines
  if answers; then
    return 0
  fi
  if ! command -v dockerd >/dev/null; then
    if ! command -v apt-get >/dev/null; then
      give_up "dockerd is not installed and this is not Debian or Ubuntu; install Docker, or set DOCKER_HOST"
    fi
    install_engine || {
      tail -n 15 "$log" >&2
      give_up "apt-get could not install docker.io (log above, all of it in $log); check the package sources and the network"
    }
  fi
  if ! answers && ! start_engine; then
    tail -n 15 "$log" >&2
    give_up "dockerd ended or did not answer within 60 s (log above, all of it in $log); fix the cause and run $0 again"
  fi
  say "engine $(docker version --format '{{.Server.Version}}' 2>/dev/null || echo ready)"
}

touch "$log" 2>/dev/null || log=${TMPDIR:-/tmp}/wharf-dockerd.log
ensure_engine
install_beside
