# SPDX-License-Identifier: Apache-2.0
# filter takes what its conditions say, sort orders, both go with pages; a field that nobody has is refused.
. ./lib.sh
name=$(unique)
for row in b:67108864 A:134217728 c:201326592; do
	post /vms "$(vm_json "$name-${row%:*}" 1 "${row#*:}")"
	expect 201
	remove "/vms/$(field .id)"
done
names() { # QUERY: the last parts of the names, in the order of the answer
	api GET "/vms?filter=name~$name$1"
	expect 200
	field '[.items[].name[-1:]] | join("")'
}
equal 'all three' "$(names '&sort=name')" Abc
equal 'the other way round' "$(names '&sort=-name')" cbA
equal 'by a number in an object' "$(names '&sort=-memory.startupBytes')" cAb
equal 'more memory' "$(names ',memory.startupBytes%3E67108864&sort=name')" Ac
equal 'not this one' "$(names ",name!=$name-A&sort=name")" bc
equal 'state' "$(names ',state=running')" ''
equal 'one page' "$(names '&sort=name&limit=2')" Ab
cursor=$(field .nextCursor)
equal 'the next page' "$(names "&sort=name&limit=2&cursor=$cursor")" c
equal nextCursor "$(field .nextCursor)" null
api GET '/vms?filter=colour=red'
expect 422 unknown_field filter
api GET '/vms?sort=colour'
expect 422 unknown_field sort
for bad in name '=x' 'name!x' 'name~x,' ',name~x' 'a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1'; do
	api GET "/vms?filter=$bad"
	expect 422 out_of_range filter
done
