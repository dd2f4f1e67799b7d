#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the benchmarks, prints their table and writes build/bench.json: rows {area, name, unit, ours, peer, peerName, goal, met}.
# A benchmark that could not run is an error, a goal that was not met is not.
set -eu
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
status=0
for part in exits devices appliance; do
	echo "bench: $part" >&2
	tests/bench/$part.sh >>"$rows" || { echo "bench: $part did not finish" >&2; status=1; }
done
echo "bench: poll" >&2
tests/bench/poll.py build "${POLL_VMS:-200}" >>"$rows" || { echo "bench: poll did not finish" >&2; status=1; }
jq -s . "$rows" >build/bench.json
jq -r '(["area", "what", "unit", "ours", "peer", "ratio", "goal", "met"], (.[] | [.area, .name, .unit, .ours, .peer // "-",
	(if .peer then (.ours / .peer * 100 | round / 100) else "-" end), .goal // "-",
	(if .met == null then "-" elif .met then "yes" else "no" end)])) | @tsv' build/bench.json | awk -F'\t' '{ printf "%-10s %-44s %-13s %10s %10s %6s %8s %s\n", $1, $2, $3, $4, $5, $6, $7, $8 }'
exit $status
