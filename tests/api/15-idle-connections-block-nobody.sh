# SPDX-License-Identifier: Apache-2.0
# Hundreds of connections that say nothing, and more than there are places: others are served as before.
. ./lib.sh
command -v bash >/dev/null || skip 'no bash'
target=${URL#https://}
target=${target%%/*}
host=${target%:*}
port=${target##*:}
[ "$port" != "$target" ] || port=443
bash -c 'for i in $(seq 600); do exec {fd}<>/dev/tcp/$0/$1 || exit 1; echo $i; done; sleep 60' "$host" "$port" >"$WORK/idle" 2>&1 &
idle=$!
for _ in $(seq 60); do		# QEMU's user network makes only a few per second; here it takes no time
	[ "$(tail -n 1 "$WORK/idle")" != 600 ] || break
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
[ "$(tail -n 1 "$WORK/idle")" -ge 20 ] || fail "the idle connections were not made: $(tail -n 1 "$WORK/idle")"
[ $((end - begin)) -lt 15 ] || fail "three requests took $((end - begin)) s"
