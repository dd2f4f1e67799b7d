# SPDX-License-Identifier: Apache-2.0
# /volumes: size, file system, threshold.
. ./lib.sh
api GET /volumes
expect 200
equal volumes "$(field '.items | length')" 1
equal sizes "$(field '.items[0] | .sizeBytes >= .freeBytes and .freeBytes > 0 and (.fileSystem | length > 0)')" true
id=$(field '.items[0].id')
was=$(field '.items[0].warningFreePercent')
patch() { # JSON
	api PATCH "/volumes/$id" -H 'Content-Type: application/merge-patch+json' -d "$1"
}
patch '{"warningFreePercent":1}'
expect 200
etag=$(header ETag)
equal threshold "$(field .warningFreePercent)" 1
patch '{"warningFreePercent":99}'
expect 422 out_of_range warningFreePercent
patch '{"size":1}'
expect 422 unknown_field size
api PATCH "/volumes/$id" -H 'Content-Type: application/merge-patch+json' -H "If-Match: $etag" -d "{\"warningFreePercent\":$was}"
expect 200
api PATCH "/volumes/$id" -H 'Content-Type: application/merge-patch+json' -H "If-Match: $etag" -d "{\"warningFreePercent\":$was}"
expect 412 stale_etag
api GET "/volumes/$(uuid)"
expect 404 volume_not_found
