# SPDX-License-Identifier: Apache-2.0
# Hundreds of connections that say nothing, and more than there are places: others are served as before.
. ./lib.sh
command -v bash >/dev/null || skip 'no bash'
target=${URL#https://}
target=${target%%/*}
host=${target%:*}
port=${target##*:}
[ "$port" != "$target" ] || port=443
bash -c 'for i in $(seq 600); do exec {fd}<>/dev/tcp/$0/$1 || exit 1; done; echo ready; sleep 30' "$host" "$port" >"$WORK/idle" 2>&1 &
idle=$!
for _ in $(seq 100); do
	grep -q ready "$WORK/idle" && break
	sleep 0.2
done
begin=$(date +%s)
for _ in 1 2 3; do
	api GET /vms
	expect 200
done
end=$(date +%s)
pkill -P $idle
kill $idle
grep -q ready "$WORK/idle" || fail "the idle connections were not made: $(cat "$WORK/idle")"
[ $((end - begin)) -lt 15 ] || fail "three requests took $((end - begin)) s"
