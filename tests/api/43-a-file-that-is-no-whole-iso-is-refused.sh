# SPDX-License-Identifier: Apache-2.0
# Truncated, random, empty: 422 with the reason, and nothing stays in the library.
. ./lib.sh
make_iso "$WORK/a.iso" 4
head -c 2097152 "$WORK/a.iso" >"$WORK/truncated"
head -c 1048576 /dev/urandom >"$WORK/random"
: >"$WORK/empty"
refused() { # FILE CODE
	id=$(uuid)
	remove "/isos/$id"
	api PUT "/isos/$id?name=$1-$id.iso" -H "$BINARY" -T "$WORK/$1"
	expect 422 "$2"
	api GET "/isos/$id"
	expect 404 iso_not_found
}
refused truncated iso_truncated
refused random iso_invalid
refused empty iso_truncated
api PUT "/isos/$(uuid)" -H "$BINARY" -T "$WORK/a.iso"
expect 422 missing_field name
