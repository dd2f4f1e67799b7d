# SPDX-License-Identifier: Apache-2.0
# limit and cursor walk through all items exactly once.
. ./lib.sh
for _ in 1 2 3; do
	new_vm
done
api GET '/vms?limit=1000'
expect 200
all=$(field '[.items[].id] | sort | join(" ")')
equal nextCursor "$(field .nextCursor)" null
seen=
cursor=
for _ in $(seq 100); do
	api GET "/vms?limit=2$cursor"
	expect 200
	seen="$seen $(field '[.items[].id] | join(" ")')"
	[ "$(field .nextCursor)" != null ] || break
	cursor="&cursor=$(field .nextCursor)"
done
# shellcheck disable=SC2086
equal 'the pages together' "$(printf '%s\n' $seen | sort | tr '\n' ' ' | sed 's/ $//')" "$all"
api GET '/vms?cursor=gone'
expect 422 out_of_range cursor
