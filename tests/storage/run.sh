#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Virtual disks against other readers: qemu-img and qemu-io, and libvhdi's vhdiinfo where it is installed. Needs partita-vdisk
# and the unit tests of storage (make check builds them). With "all": the long runs, some minutes each.
. "$(dirname "$0")/lib.sh"

declare -A qemu=([vhdx]=vhdx [vhd]=vpc [raw]=raw)

# --- what we write ---

# Disks after thousands of random operations, snapshots merged by the tool, read by qemu-img.
run_model() {
	mkdir -p model
	MODEL_KEEP=$PWD/model MODEL_OPS=${1:-18000} MODEL_SEED=${2:-4711} CMOCKA_MESSAGE_OUTPUT=TAP timeout 900 "$B/unit/disk-model"
}

merge_all() { # NAME
	for level in 5 4 3 2 1; do
		[ -e "model/$1-$level" ] || continue
		"$vdisk" check "model/$1-$level"
		"$vdisk" merge "model/$1-$level"
		rm "model/$1-$level"
	done
}

qemu_reads_model() { # NAME FORMAT
	merge_all "$1"
	"$vdisk" check "model/$1-0"
	[ "$2" != vhdx ] || qemu-img check -q -f vhdx "model/$1-0"
	qemu-img compare -f "${qemu[$2]}" -F raw "model/$1-0" "model/$1.model"
}

we_read_model() { # NAME: sectors of 4096 bytes are nothing for qemu-img
	merge_all "$1"
	"$vdisk" convert "model/$1-0" "model/$1.raw" --format raw
	cmp "model/$1.raw" "model/$1.model"
}

pattern() { # FILE SIZE: some data, zeros, an odd end
	head -c 3000000 /dev/urandom >"$1"
	truncate -s "$2" "$1"
	printf 'the end' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 7)) conv=notrunc status=none
}

converts() { # FORMAT TYPE
	pattern source.raw 20971520
	rm -f there back.raw
	"$vdisk" convert source.raw there --source-format raw --format "$1" --type "$2"
	[ "$1" != vhdx ] || qemu-img check -q -f vhdx there
	qemu-img compare -f "${qemu[$1]}" -F raw there source.raw
	"$vdisk" convert there back.raw --format raw
	cmp back.raw source.raw
}

grows_for_qemu() {
	rm -f disk.vhdx
	"$vdisk" create disk.vhdx --size 64M --block-size 1M
	"$vdisk" resize disk.vhdx 3T
	qemu-img check -q -f vhdx disk.vhdx
	qemu-img info -f vhdx disk.vhdx | grep -q 3298534883328
	qemu-io -f vhdx -c 'write -P 7 2T 1M' disk.vhdx
	"$vdisk" check disk.vhdx
	"$vdisk" map disk.vhdx --json | python3 -c 'import json, sys; d = json.load(sys.stdin)["ranges"]
assert [(r["start"], r["length"]) for r in d if not r["zero"]] == [(2199023255552, 1048576)], d'
}

compacts() {
	rm -f disk.vhdx
	"$vdisk" create disk.vhdx --size 256M --block-size 1M
	qemu-io -f vhdx -c 'write -P 1 0 64M' -c 'write -P 0 0 60M' disk.vhdx
	"$vdisk" compact disk.vhdx
	[ "$(stat -c %s disk.vhdx)" -le $((9 * 1048576)) ]
	qemu-img check -q -f vhdx disk.vhdx
	qemu-io -f vhdx -c 'read -P 0 0 60M' -c 'read -P 1 60M 4M' -c 'read -P 0 64M 192M' disk.vhdx | tee io
	! grep -q 'verification failed' io
}

# --- what others write ---

we_read_theirs() { # QEMU-FORMAT OPTIONS
	rm -f theirs expected ours.raw
	qemu-img create -q -f "$1" -o "$2" theirs 100M
	truncate -s "$(qemu-img info --output=json -f "$1" theirs | python3 -c 'import json, sys; print(json.load(sys.stdin)["virtual-size"])')" expected
	for at in 0 1M 3145216 20M 52428800 99M; do
		qemu-io -f "$1" -c "write -P 0x$((RANDOM % 90 + 10)) $at 300K" theirs
	done
	qemu-img convert -f "$1" -O raw theirs expected
	"$vdisk" check theirs
	"$vdisk" convert theirs ours.raw --format raw
	cmp ours.raw expected
}

# A process that ends in mid-air leaves its log; reading goes through it, writing replays it.
we_replay_their_log() {
	rm -f theirs ours.raw before.raw
	qemu-img create -q -f vhdx -o block_size=1M theirs 100M
	(ulimit -c 0; qemu-io -f vhdx -c 'write -P 0x31 5M 3M' -c 'write -P 0x32 90M 1M' -c abort theirs) || true
	"$vdisk" check theirs | tee report
	grep -q 'to be replayed' report
	"$vdisk" convert theirs before.raw --format raw
	"$vdisk" check theirs --repair | grep -q 'was replayed'
	"$vdisk" convert theirs ours.raw --format raw
	cmp before.raw ours.raw
	qemu-img check -q -f vhdx theirs
	qemu-img compare -f vhdx -F raw theirs ours.raw
	qemu-io -f vhdx -c 'read -P 0x31 5M 3M' -c 'read -P 0x32 90M 1M' theirs | tee io
	! grep -q 'verification failed' io
}

imports() { # FORMAT
	pattern source.raw 20971520
	rm -f foreign there
	qemu-img convert -f raw -O "$1" source.raw foreign
	"$vdisk" convert foreign there --source-format "$1" --block-size 2M
	qemu-img compare -f vhdx -F raw there source.raw
	[ -z "$(ls there.import* 2>/dev/null)" ]
}

libvhdi_agrees() {
	rm -rf chain
	mkdir -p chain/child
	for format in vhdx vhd; do
		"$vdisk" create "chain/base.$format" --size 64M --format $format
		"$vdisk" create "chain/child/child.$format" --parent "chain/base.$format"
		vhdiinfo "chain/child/child.$format" | tee info
		grep -q 'Disk type.*Differential' info
		grep -q "Parent identifier.*$("$vdisk" info --json "chain/base.$format" |
			python3 -c 'import json, sys; print(json.load(sys.stdin)["dataId"])')" info
	done
}

# --- damage ---

poke() { # FILE OFFSET: one byte becomes another
	python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    at = int(sys.argv[2]); f.seek(at); b = f.read(1); f.seek(at); f.write(bytes([b[0] ^ 0x55]))' "$1" "$2"
}

mends() { # WHERE...
	pattern source.raw 8388608
	rm -f there
	"$vdisk" convert source.raw there --source-format raw --block-size 1M
	for at; do
		poke there "$at"
	done
	! "$vdisk" check there
	"$vdisk" check there --repair
	"$vdisk" check there
	qemu-img check -q -f vhdx there
	qemu-img compare -f vhdx -F raw there source.raw
}

mends_a_bad_block() {
	pattern source.raw 8388608
	rm -f there
	"$vdisk" convert source.raw there --source-format raw --block-size 1M
	python3 -c 'import struct
with open("there", "r+b") as f:
    f.seek(3 << 20); f.write(struct.pack("<Q", 1 << 40 | 6))'
	refused 'BAT entry 0: offset 1099511627776' "$vdisk" info there
	! "$vdisk" check there
	"$vdisk" check there --repair
	qemu-img check -q -f vhdx there
	"$vdisk" convert there back.raw --format raw
	cmp -i 1048576 back.raw source.raw		# the damaged block is lost, nothing else
	rm back.raw
}

# --- the command line ---

tells_what_is_wrong() {
	rm -f x
	refused 'size 71468255805440, allowed is up to 70368744177664' "$vdisk" create x --size 65T
	refused 'block size 3145728' "$vdisk" create x --size 1M --block-size 3M
	refused 'sector sizes 1024 (logical)' "$vdisk" create x --size 1M --logical-sector 1024
	refused 'the limit of a VHD is 2190433320960' "$vdisk" create x --size 3T --format vhd
	refused 'no multiple of' "$vdisk" create x --size 1000
	refused '--size: "12Q"' "$vdisk" create x --size 12Q
	refused '--type: "thin"' "$vdisk" create x --size 1M --type thin
	refused 'No such file' "$vdisk" info x
	[ ! -e x ]
	"$vdisk" create x --size 100M
	refused 'File exists' "$vdisk" create x --size 1M
	refused 'shrinking loses' "$vdisk" resize x 50M
	"$vdisk" resize x 50M --shrink
	refused 'has nothing to compact' sh -c "truncate -s 1M r; '$vdisk' compact r --source-format raw"
	mkdir sub
	"$vdisk" create sub/y --parent x
	refused 'is outside of the folder' "$vdisk" info sub/y --within sub
}

json_is_json() {
	rm -f x y
	"$vdisk" create x --size 100M
	"$vdisk" create y --parent x
	rm -f z u
	for command in 'info y' 'map y' 'check y' 'compact y' 'create z --size 8M' 'resize z 16M' 'convert z u --format raw' 'merge y' 'bench z --count 160'; do
		"$vdisk" $command --json 2>/dev/null | python3 -c 'import json, sys; json.load(sys.stdin)'
	done
	"$vdisk" info nothing --json 2>/dev/null | python3 -c 'import json, sys; assert "error" in json.load(sys.stdin)'
}

power_cuts() { # HOW MANY
	POWER_CUTS=$1 POWER_CUT_QEMU=1 CMOCKA_MESSAGE_OUTPUT=TAP timeout 3000 "$B/unit/disk-power-cut"
}

merge_cuts() { # HOW MANY
	POWER_CUTS=$1 CMOCKA_MESSAGE_OUTPUT=TAP timeout 3000 "$B/unit/disk-merge-cut"
}

sanitized_fuzzing() { # HOW MANY
	gcc -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -I"$top/appliance/include" \
		-I"$top/appliance" -o hostile "$top/tests/unit/storage/test_hostile.c" "$top"/appliance/storage/*.c \
		"$top"/appliance/storage/{vhd,vhdx}/*.c $(pkg-config --cflags --libs cmocka liburing)
	ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=4096 HOSTILE_RUNS=$1 timeout 3000 ./hostile
}

if [ "${1:-}" = all ]; then
	test_that 'a million random operations' run_model 1000000 "$RANDOM"
	test_that 'ten thousand power cuts, VHDX also by qemu-img' power_cuts 10000
	test_that 'two thousand power cuts of merges, of disks in use too' merge_cuts 4000
	test_that 'a hundred thousand changed images under sanitizers' sanitized_fuzzing 100000
	rm -rf model
fi
test_that 'random operations leave disks' run_model
for name in vhdx-fixed vhdx-1m vhdx-32m vhdx-direct; do
	test_that "qemu-img reads $name after them" qemu_reads_model $name vhdx
done
for name in vhd-fixed vhd-dynamic vhd-2m; do
	test_that "qemu-img reads $name after them" qemu_reads_model $name vhd
done
test_that 'sectors of 4096 bytes after them' we_read_model vhdx-4k
rm -rf model
for format in vhdx vhd; do
	for type in dynamic fixed; do
		test_that "$type $format to and from raw" converts $format $type
	done
done
test_that 'a grown VHDX is sound' grows_for_qemu
test_that 'a compacted VHDX is small and sound' compacts
for options in subformat=dynamic subformat=fixed block_size=1M block_size=16M block_state_zero=off log_size=2M; do
	test_that "we read qemu's vhdx with $options" we_read_theirs vhdx $options
done
for options in subformat=dynamic subformat=fixed; do
	test_that "we read qemu's vpc with $options" we_read_theirs vpc $options
done
test_that 'we read and replay the log of a writer that died' we_replay_their_log
for format in qcow2 vmdk; do
	test_that "$format is imported" imports $format
done
if command -v vhdiinfo >/dev/null; then
	test_that 'libvhdi sees the parents of differencing disks' libvhdi_agrees
fi
test_that 'a damaged header is mended' mends 65536
test_that 'the other damaged header is mended' mends 131100
test_that 'a damaged region table is mended' mends 196700
test_that 'the other damaged region table is mended' mends 262200
test_that 'a block outside of the file is lost, nothing else' mends_a_bad_block
test_that 'refusals name field, value and limit' tells_what_is_wrong
test_that '--json is JSON' json_is_json
test_that 'hundreds of power cuts, VHDX also by qemu-img' power_cuts 300
counts
