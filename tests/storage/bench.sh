#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a virtual disk costs: 4 KiB at depth 32 and 128 KiB in a row, O_DIRECT and io_uring, on a raw file, our dynamic VHDX, and
# both through qemu-img bench, which visits the same places. Each row is the best of $ROUNDS; build/bench-storage.json has them.
. "$(dirname "$0")/lib.sh"
count=${COUNT:-50000}
rounds=${ROUNDS:-3}
size=8G

fresh() { # raw|vhdx
	rm -f disk
	if [ "$1" = raw ]; then truncate -s $size disk; else "$vdisk" create disk --size $size; fi
}

# The rows share one image: the first writes into a fresh one, the others into what it filled.
ours() { # raw|vhdx
	fresh "$1"
	"$vdisk" bench disk --source-format "$1" --direct --count "$count" --json >"ours-$1.$2"
}

qemu_row() { # NAME FORMAT BYTES STEP COUNT [-w]: seconds of the run
	name=$1 format=$2 bytes=$3 step=$4 n=$5
	shift 5
	seconds=$(qemu-img bench -f "$format" -t none -i io_uring -c "$n" -d 32 -s "$bytes" -S "$step" "$@" disk |
		sed -n 's/^Run completed in \([0-9.]*\) seconds.*/\1/p')
	echo "{\"row\": \"$name\", \"seconds\": $seconds}"
}

qemus() { # raw|vhdx
	fresh "$1"
	{
		qemu_row write-4k-fresh "$1" 4096 1052672 "$count" -w
		qemu_row write-4k "$1" 4096 1052672 "$count" -w
		qemu_row read-4k "$1" 4096 1052672 "$count"
		qemu_row write-128k-sequential "$1" 131072 131072 $((count / 16)) -w
		qemu_row read-128k-sequential "$1" 131072 131072 $((count / 16))
	} >"qemu-$1.$2"
}

for round in $(seq "$rounds"); do
	for format in raw vhdx; do
		ours $format "$round" || exit 1
		qemus $format "$round" || exit 1
	done
done
python3 - "$B/bench-storage.json" <<'END'
import glob, json, sys
best, cpu = {}, {}
for path in glob.glob("ours-*.*") + glob.glob("qemu-*.*"):
    who, text = path.split(".")[0], open(path).read()
    rows = json.loads(text)["rows"] if who.startswith("ours") else [json.loads(line) for line in text.splitlines()]
    for r in rows:
        key = (r["row"], who)
        best[key] = min(best.get(key, 1e9), r["seconds"])
        if "cpuMicrosecondsEach" in r:
            cpu[key] = min(cpu.get(key, 1e9), r["cpuMicrosecondsEach"])
rows = list(dict.fromkeys(k[0] for k in best))
columns = ["ours-raw", "ours-vhdx", "qemu-raw", "qemu-vhdx"]
rows.sort(key=["write-4k-fresh", "write-4k", "read-4k", "write-128k-sequential", "read-128k-sequential"].index)
print(f"{'seconds':24}" + "".join(f"{c:>11}" for c in columns) + "   vhdx/raw  us of CPU raw, vhdx")
for row in rows:
    t = [best[row, c] for c in columns]
    print(f"{row:24}" + "".join(f"{x:11.3f}" for x in t) + f"{t[1] / t[0]:11.2f}  {cpu[row, 'ours-raw']:.1f}, {cpu[row, 'ours-vhdx']:.1f}")
json.dump([{"row": row, **{c: best[row, c] for c in columns}} for row in rows], open(sys.argv[1], "w"), indent=1)
END
