# SPDX-License-Identifier: Apache-2.0
# JSON must say that it is JSON; an upload must not.
. ./lib.sh
api POST /vms -H 'Content-Type: text/plain' -d "$(vm_json x)"
expect 415 unsupported_media_type
api POST /vms -H 'Content-Type: application/x-www-form-urlencoded' -d 'name=x'
expect 415 unsupported_media_type
api PUT "/isos/$(uuid)?name=x.iso" -H "$JSON" -d '{}'
expect 415 unsupported_media_type
api DELETE "/vms/$(uuid)" -H "$JSON" -d '{}'
expect 400 malformed_request
api POST /vms -H "$JSON" -H 'Content-Type: text/plain' -d "$(vm_json x)"
expect 400 malformed_request
