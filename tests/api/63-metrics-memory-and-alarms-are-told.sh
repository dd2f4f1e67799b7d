# SPDX-License-Identifier: Apache-2.0
# Figures of host and VM, who holds the memory, alarms, and the same for Prometheus.
. ./lib.sh
name=$(unique)
post /vms "{\"name\": \"$name\", \"processor\": {\"count\": 1}, \"memory\": {\"startupBytes\": 67108864}}"
expect 201
id=$(field .id)
api GET /host/metrics
expect 200
equal "columns" "$(field '[.series[] | length] | unique | length')" 1
equal "step" "$(field .stepSeconds)" 2
api GET "/vms/$id/metrics?range=day"
expect 200
equal "of a VM that is off" "$(field '[.series[][]] | unique | tostring')" '[null]'
api GET '/host/metrics?range=week'
expect 422 out_of_range range
api GET /host/memory
expect 200
computed=$(field .reserveBytes)
api PATCH /host/memory -H "$JSON" -H 'If-Match: "stale"' -d '{"reserveBytes": null}'
expect 412 stale_etag
api PATCH /host/memory -H "$JSON" -d '{"reserveBytes": 1}'
expect 422 out_of_range reserveBytes
api PATCH /host/memory -H "$JSON" -d "{\"reserveBytes\": $((computed + 1048576))}"
expect 200
equal "set reserve" "$(field '(.reserveIsComputed | not) and .reserveBytes == '$((computed + 1048576)))" true
api PATCH /host/memory -H "$JSON" -d '{"reserveBytes": null}'
expect 200
equal "computed reserve" "$(field .reserveBytes)" "$computed"
api GET /alarms
expect 200
equal "alarms" "$(field '.items | type')" array
api GET /metrics
expect 200
grep -q "^partita_vm_running{id=\"$id\",name=\"$name\"} 0\$" "$WORK/body" || fail "/metrics does not have the VM"
grep -q '^# TYPE partita_host_cpu_seconds_total counter$' "$WORK/body" || fail "/metrics does not have the host's processor time"
grep -vq '^#\|^[a-z_]*\({[^}]*}\)\? [0-9.]*$' "$WORK/body" && fail "a line of /metrics is malformed: $(grep -v '^#\|^[a-z_]*\({[^}]*}\)\? [0-9.]*$' "$WORK/body" | head -n 1)"
request GET /metrics
expect 401
api DELETE "/vms/$id"
expect 204
