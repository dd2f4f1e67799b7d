#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# local.sh [TEST...]: the API tests against vmpriv, vmms and webapi on this machine, in a folder of their own. Everything but starting VMs
# works so. Run inside the build root at the top of the checkout (`make check-api`).
set -u
top=$PWD
bin=${BIN:-$top/build/bin}
home=$(mktemp -d)
port=${PORT:-$((20000 + RANDOM % 20000))}
mkdir -p "$home/state" "$home/run/vm" "$home/ui/assets"
echo '<!doctype html><title>Partita</title>' >"$home/ui/index.html"
echo 'export {};' >"$home/ui/assets/index-Ab12Cd34.js"
gzip -k "$home/ui/assets/index-Ab12Cd34.js"

start() { # NAME [OPTIONS]
	name=$1
	shift
	"$bin/$name" --runtime-dir "$home/run" "$@" >>"$home/$name.log" 2>&1 &
	echo $! >"$home/$name.pid"
	disown		# else bash reports every kill
}
start_vmms() { start vmms --state-dir "$home/state" --webapi-user "$(id -un)" --socket-group "$(id -gn)"; }
start_webapi() { start webapi --state-dir "$home/state" --port "$port" --bind 127.0.0.1 --ui-dir "$home/ui"; }
stop() {
	pid=$(cat "$home/$1.pid")
	kill "$pid" 2>/dev/null
	for _ in $(seq 50); do
		kill -0 "$pid" 2>/dev/null || return
		sleep 0.1
	done
	echo "$1 does not end when told to"
	kill -9 "$pid"
}
end() {
	stop webapi
	stop vmms
	stop vmpriv
	[ -n "${KEEP:-}" ] || rm -rf "$home"
}
trap end EXIT

start vmpriv --vmms-user "$(id -un)"
for _ in $(seq 50); do [ -S "$home/run/priv.sock" ] && break; sleep 0.1; done
start_vmms
start_webapi
for _ in $(seq 100); do
	[ -s "$home/run/banner" ] && curl -skf -o /dev/null "https://127.0.0.1:$port/api/v1/healthz" && break
	sleep 0.1
done
jq -n --arg url "https://127.0.0.1:$port/" --arg password "$(sed -n 's/^admin-password=//p' "$home/run/banner")" --arg home "$home" \
	'{url: $url, adminUser: "admin", adminPassword: $password, home: $home}' >"$home/appliance.json"
# For the tests of restarts: commands that only this runner can offer.
printf '#!/bin/sh\npid=$(cat %s/$1.pid)\nkill -9 $pid\nwhile kill -0 $pid 2>/dev/null; do sleep 0.05; done\n' "$home" >"$home/kill"
chmod +x "$home/kill"
export LOCAL_KILL=$home/kill LOCAL_RESTART=$home/restart
mkfifo "$LOCAL_RESTART"
(while :; do read -r name <"$LOCAL_RESTART" && "start_$name"; done) &
restarter=$!
disown
APPLIANCE_JSON=$home/appliance.json tests/api/run.sh "$@"
result=$?
kill "$restarter"
[ "$result" -eq 0 ] || tail -n 20 "$home"/*.log
exit "$result"
