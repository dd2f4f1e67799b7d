# SPDX-License-Identifier: Apache-2.0
# 404 for what does not exist, 405 with Allow for what cannot be done, 422 for parameters nobody knows.
. ./lib.sh
for path in /nothing /vms/ /vms/x /vms/../users "/vms/$(uuid)/nothing"; do
	api GET "$path" --path-as-is
	expect 404 not_found
done
api GET "/vms/$(uuid)"
expect 404 vm_not_found
api GET "/disks/$(uuid)"
expect 404 disk_not_found
api GET "/isos/$(uuid)"
expect 404 iso_not_found
api GET "/jobs/$(uuid)"
expect 404 job_not_found
api PUT /vms -H "$JSON" -d '{}'
expect 405 method_not_allowed
equal Allow "$(header Allow)" 'GET, POST'
api GET '/vms?limit=2&colour=red'
expect 422 unknown_field colour
api GET '/vms?limit=0'
expect 422 out_of_range limit
