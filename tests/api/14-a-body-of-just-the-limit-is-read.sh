# SPDX-License-Identifier: Apache-2.0
# 1 MiB is read and judged, one byte more is not.
. ./lib.sh
filler() { # TOTAL SIZE: a JSON object of exactly that size
	printf '{"name":"'
	head -c $(($1 - 11)) /dev/zero | tr '\0' x
	printf '"}'
}
filler 1048577 >"$WORK/over"
api POST /tokens -H "$JSON" --data-binary @"$WORK/over"
expect 413 body_too_large
filler 1048576 >"$WORK/limit"
api POST /tokens -H "$JSON" --data-binary @"$WORK/limit"
expect 422 out_of_range name
