# SPDX-License-Identifier: Apache-2.0
# Without a session or a token every other resource answers 401.
. ./lib.sh
id=$(uuid)
for path in /host /vms "/vms/$id" "/vms/$id/screenshot" "/vms/$id/console" /disks /isos /jobs /events /events/stream /audit /users /tokens /sessions/current; do
	request GET "$path"
	expect 401 not_authenticated
	request GET "$path" -H 'Authorization: Bearer AAAA'
	expect 401 not_authenticated
done
request POST /vms -H "$JSON" -d "$(vm_json x)"
expect 401 not_authenticated
upgrade /events/stream
expect 401 not_authenticated
