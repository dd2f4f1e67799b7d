# SPDX-License-Identifier: Apache-2.0
# Idempotency-Key: the same request again gets the first answer and makes nothing new; another body is refused.
. ./lib.sh
key=$(uuid)
name=$(unique)
api POST /disks -H "$JSON" -H "Idempotency-Key: $key" -d "{\"name\":\"$name\",\"sizeBytes\":1048576}"
expect 201
id=$(field .id)
remove "/disks/$id"
api POST /disks -H "$JSON" -H "Idempotency-Key: $key" -d "{\"name\":\"$name\",\"sizeBytes\":1048576}"
expect 201
equal 'the id' "$(field .id)" "$id"
api POST /disks -H "$JSON" -H "Idempotency-Key: $key" -d "{\"name\":\"$name\",\"sizeBytes\":2097152}"
expect 422 idempotency_key_reused
