#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a virtual disk costs: 4 KiB at depth 32 and 128 KiB in a row, O_DIRECT and io_uring, on a raw file, our dynamic VHDX, and
# both through qemu-img bench, which visits the same places. The four take turns within each row and round, so that what else the
# machine does befalls all of them, and who comes first changes (the second finds caches warm); a row's figure is the best of its rounds. build/bench-storage.json has them.
. "$(dirname "$0")/lib.sh"
count=${COUNT:-50000}
rounds=${ROUNDS:-7}
size=8G

fresh() { # raw|vhdx
	rm -f "$1"
	if [ "$1" = raw ]; then truncate -s $size "$1"; else "$vdisk" create "$1" --size $size; fi
	sync -f "$1"
}

ours() { # ROW raw|vhdx
	"$vdisk" bench "$2" --source-format "$2" --direct --count "$count" --row "$1" --json |
		sed -n "s/^{\"row\"/{\"who\": \"ours-$2\", \"row\"/; s/}\(\]}\)*,*$/}/; /who/p" >>results
}

qemus() { # ROW raw|vhdx BYTES STEP COUNT [-w]
	row=$1 format=$2 bytes=$3 step=$4 n=$5
	shift 5
	{ time qemu-img bench -f "$format" -t none -i io_uring -c "$n" -d 32 -s "$bytes" -S "$step" "$@" "$format" >said; } 2>cpu
	seconds=$(sed -n 's/^Run completed in \([0-9.]*\) seconds.*/\1/p' said)
	each=$(awk -v n="$n" '{ print ($1 + $2) * 1e6 / n }' cpu)		# with its start and end, unlike ours
	echo "{\"who\": \"qemu-$format\", \"row\": \"$row\", \"seconds\": $seconds, \"cpuMicrosecondsEach\": $each}" >>results
}

four() { # ROW PREPARE BYTES STEP COUNT [-w]
	row=$1 prepare=$2
	shift 2
	turn=$((turn + 1))
	for format in raw vhdx; do
		for who in $([ $((turn % 2)) = 0 ] && echo ours qemus || echo qemus ours); do
			$prepare $format || exit 1
			if [ "$who" = ours ]; then ours "$row" $format; else qemus "$row" $format "$@"; fi || exit 1
		done
	done
}
turn=0
TIMEFORMAT='%U %S'

for _ in $(seq "$rounds"); do four write-4k-fresh fresh 4096 1052672 "$count" -w; done
for _ in $(seq "$rounds"); do four write-4k true 4096 1052672 "$count" -w; done
for _ in $(seq "$rounds"); do four read-4k true 4096 1052672 "$count"; done
for _ in $(seq "$rounds"); do four write-128k-sequential true 131072 131072 $((count / 16)) -w; done
for _ in $(seq "$rounds"); do four read-128k-sequential true 131072 131072 $((count / 16)); done
python3 - "$B/bench-storage.json" <<'PY'
import json, sys
best, cpu = {}, {}
for r in map(json.loads, open("results")):
    key = (r["row"], r["who"])
    best[key] = min(best.get(key, 1e9), r["seconds"])
    if "cpuMicrosecondsEach" in r:
        cpu[key] = min(cpu.get(key, 1e9), r["cpuMicrosecondsEach"])
rows = list(dict.fromkeys(k[0] for k in best))
columns = ["ours-raw", "ours-vhdx", "qemu-raw", "qemu-vhdx"]
print(f"{'seconds':24}" + "".join(f"{c:>11}" for c in columns) + "   vhdx/raw  us of CPU each: the same four")
for row in rows:
    t = [best[row, c] for c in columns]
    print(f"{row:24}" + "".join(f"{x:11.3f}" for x in t) + f"{t[1] / t[0]:11.2f}  " + ", ".join(f"{cpu[row, c]:.1f}" for c in columns))
json.dump([{"row": row, **{c: {"seconds": best[row, c], "cpuMicrosecondsEach": cpu[row, c]} for c in columns}} for row in rows], open(sys.argv[1], "w"), indent=1)
PY
