# SPDX-License-Identifier: Apache-2.0
# The life of a definition, with its etags.
. ./lib.sh
name=$(unique)
post /vms "{\"name\":\"$name\",\"notes\":\"n\",\"generation\":1,\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728},\"firmware\":{\"bootOrder\":[\"disk\",\"dvd\"]}}"
expect 201
vm=$(field .id)
remove "/vms/$vm"
equal Location "$(header Location)" "/api/v1/vms/$vm"
equal state "$(field .state)" off
equal bootOrder "$(field '.firmware.bootOrder | join(" ")')" 'disk dvd'
etag=$(header ETag)
equal ETag "$etag" "\"$(field .etag)\""
api GET "/vms/$vm"
expect 200
equal notes "$(field .notes)" n
api PATCH "/vms/$vm" -H 'Content-Type: application/merge-patch+json' -H "If-Match: $etag" -d '{"notes":"m","memory":{"startupBytes":268435456}}'
expect 200
equal memory "$(field .memory.startupBytes)" 268435456
api PATCH "/vms/$vm" -H "$JSON" -H "If-Match: $etag" -d '{"notes":"lost"}'
expect 412 stale_etag
api GET "/vms/$vm"
equal notes "$(field .notes)" m
api DELETE "/vms/$vm" -H "If-Match: $etag"
expect 412 stale_etag
api DELETE "/vms/$vm"
expect 204
api GET "/vms/$vm"
expect 404 vm_not_found
