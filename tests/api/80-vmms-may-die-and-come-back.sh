# SPDX-License-Identifier: Apache-2.0
# 503 with Retry-After while vmms is away; afterwards everything works again without a new login.
. ./lib.sh
[ -n "${LOCAL_KILL:-}" ] || skip 'only against local services'
new_vm
"$LOCAL_KILL" vmms
api GET /vms
expect 503 service_unavailable
[ "$(header Retry-After)" -gt 0 ] || fail 'no Retry-After'
echo vmms >"$LOCAL_RESTART"
for _ in $(seq 50); do
	request GET /healthz
	[ "$status" = 200 ] && break
	sleep 0.1
done
api GET "/vms/$vm"
expect 200
