# SPDX-License-Identifier: Apache-2.0
# Fields nobody knows are errors, at the top and inside; so are missing ones and what this version cannot do.
. ./lib.sh
name=$(unique)
post /vms "{\"name\":\"$name\",\"procesor\":{\"count\":1},\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728}}"
expect 422 unknown_field procesor
post /vms "{\"name\":\"$name\",\"processor\":{\"count\":1,\"cores\":2},\"memory\":{\"startupBytes\":134217728}}"
expect 422 unknown_field processor.cores
post /vms "{\"name\":\"$name\",\"processor\":{\"count\":1}}"
expect 422 missing_field memory
post /vms "{\"name\":\"\",\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728}}"
expect 422 out_of_range name
post /vms "{\"name\":\"$name\",\"generation\":3,\"processor\":{\"count\":1},\"memory\":{\"startupBytes\":134217728}}"
expect 422 out_of_range generation
new_vm
post "/vms/$vm/actions/start" '{"force":true}'
expect 422 unknown_field force
