# SPDX-License-Identifier: Apache-2.0
# Who did what from where.
. ./lib.sh
new_vm
api DELETE "/vms/$vm"
expect 204
api GET '/audit?limit=50'
expect 200
equal 'the entry' "$(field "[.items[] | select(.path == \"/api/v1/vms/$vm\" and .method == \"DELETE\")][0] | \"\\(.user) \\(.status)\"")" "$ADMIN_USER 204"
[ -n "$(field '.items[0].address')" ] || fail 'no address'
