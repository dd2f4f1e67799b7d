#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# appliance.sh start|stop|status: runs the image in QEMU in the background. Called by `make start`, `stop`, `status`,
# inside the build root, at the top of the checkout. Everything it leaves is in build/run; appliance.json there says how
# to reach the appliance. The disk is an overlay on the image, kept between runs until the image changes or FRESH=1.
# WAIT=no comes back before the appliance is up, for bring-up work.
set -eu
run=${RUN:-$PWD/build/run}
image=${IMAGE:-$PWD/build/image/partita.raw}
port=${PORT:-8443}
mem=${MEM:-4G}
cpus=${CPUS:-2}
boot=${BOOT:-image}
limit=${START_LIMIT:-300}
hv_options=${HV_OPTIONS:-}
kernel_options="systemd.debug_shell=ttyS1${KERNEL_OPTIONS:+ $KERNEL_OPTIONS}"
json=$run/appliance.json
. image/run/machine.sh

is_running() {
	pid=$(cat "$run/qemu.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && grep -q qemu "/proc/$pid/comm"
}

banner() { # KEY: the last value that the appliance printed on its serial port
	tr -d '\r' <"$run/serial.log" | sed -n "s/.*partita: $1=//p" | tail -n 1
}

remembered() { # KEY: what appliance.json says
	jq -r ".$1 // empty" "$json" 2>/dev/null || true
}

prepare_disk() {
	identity=$(stat -c '%s %Y' "$image")
	if [ -z "${FRESH:-}" ] && [ -e "$run/disk.qcow2" ] && [ "$identity" = "$(cat "$run/disk.image" 2>/dev/null)" ]; then
		echo "disk: as the last run left it ($run/disk.qcow2; FRESH=1 starts over)"
		return
	fi
	echo "disk: new, from $image"
	rm -f "$json"
	qemu-img create -q -f qcow2 -b "$image" -F raw "$run/disk.qcow2" "${DISK:-64G}"
	echo "$identity" >"$run/disk.image"
}

launch() {
	rm -f "$run"/*.sock "$run/qemu.pid"
	: >"$run/serial.log"
	choose_accelerator
	machine_options >"$run/qemu.options"
	# shellcheck disable=SC2046
	(IFS='
'; set -f; exec setsid qemu-system-x86_64 $(cat "$run/qemu.options") </dev/null >"$run/qemu.log" 2>&1) &
}

give_up() {
	echo "$1; the end of $run/serial.log:" >&2
	tail -n 40 "$run/serial.log" | tr -d '\r' >&2
	grep -v "TCG doesn't support" "$run/qemu.log" >&2 || true
	! is_running || kill "$pid"
	exit 1
}

answers() {
	curl -ksf -o /dev/null --max-time 10 "https://127.0.0.1:$port/api/v1/healthz"
}

wait_until_up() {
	end=$(($(date +%s) + limit))
	echo "waiting for the appliance (at most $limit s; its console: $run/serial.log)"
	until [ -n "$(banner fingerprint)" ] && answers; do
		sleep 1
		[ -e "$run/qemu.pid" ] && ! is_running && give_up "QEMU ended"
		[ "$(date +%s)" -lt "$end" ] || give_up "the appliance did not come up within $limit s"
	done
}

write_json() {
	password=$(banner admin-password)
	user=$(banner admin-user)
	jq -n --arg url "https://127.0.0.1:$port/" --arg fingerprint "$(banner fingerprint)" \
		--arg user "${user:-$(remembered adminUser)}" --arg password "${password:-$(remembered adminPassword)}" \
		--arg log "$run/serial.log" --arg shell "$run/shell.sock" --argjson pid "$(cat "$run/qemu.pid")" \
		'{url: $url, fingerprint: $fingerprint, adminUser: $user, adminPassword: $password, serialLog: $log,
		  shellSocket: $shell, pid: $pid}' >"$json.new"
	mv "$json.new" "$json"
}

# The appliance prints its one-time password until it has been changed.
show() {
	jq -r '"  URL:                       \(.url)
  Certificate fingerprint:   \(.fingerprint)   (SHA-256)
  User:                      \(.adminUser)"' "$json"
	if [ -n "$(banner admin-password)" ]; then
		echo "  One-time password:         $(remembered adminPassword)   (until it is changed)"
	else
		echo "  Password:                  as set at the first login"
	fi
}

start() {
	mkdir -p "$run"
	if is_running; then
		echo "the appliance is running already (pid $pid)"
		show
		return
	fi
	[ -e "$image" ] || { echo "no image: make image" >&2; exit 1; }
	begin=$(date +%s)
	prepare_disk
	launch
	[ "${WAIT:-yes}" = yes ] || { echo "QEMU is running; its console: $run/serial.log"; return; }
	wait_until_up
	write_json
	echo "the appliance is up after $(($(date +%s) - begin)) s"
	show
}

qmp() {
	printf '{"execute":"qmp_capabilities"}\n{"execute":"%s"}\n' "$1" | socat -t 2 - "UNIX-CONNECT:$run/qmp.sock" >/dev/null 2>&1 || true
}

wait_for_end() { # SECONDS
	end=$(($(date +%s) + $1))
	while is_running; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.5
	done
}

stop() {
	is_running || { echo "the appliance is not running"; return; }
	echo "shutting the appliance down (power button; a guest that does not shut down is turned off after two minutes)"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do		# a press before logind listens is lost
		qmp system_powerdown
		wait_for_end 15 && { echo "the appliance is off"; return; }
	done
	echo "it did not shut down by itself: ending QEMU; the end of $run/serial.log:" >&2
	tail -n 20 "$run/serial.log" | tr -d '\r' >&2
	kill "$pid"
	wait_for_end 10 || kill -KILL "$pid"
	exit 1
}

status() {
	is_running || { echo "the appliance is not running"; exit 3; }
	answers && state='running and answering' || state='running, but not answering'
	echo "the appliance is $state (pid $pid)"
	[ ! -e "$json" ] || show
}

case ${1:-} in
start | stop | status) "$1" ;;
*) echo "usage: appliance.sh start|stop|status" >&2; exit 2 ;;
esac
