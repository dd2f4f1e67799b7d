#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines of code per folder of hv/, blank lines and comments not counted, and the sum. Fails above the limit, if one is given.
set -eu
cd "$(dirname "$0")"
count() {	# FILE...: a line counts when something is left of it without comments
	awk '
	FNR == 1 { inside = 0 }
	{
		line = $0
		out = ""
		while (line != "") {
			if (inside) {
				end = index(line, "*/")
				if (!end) break
				line = substr(line, end + 2)
				inside = 0
				continue
			}
			start = index(line, "/*")
			slashes = index(line, "//")
			if (slashes && (!start || slashes < start)) { out = out substr(line, 1, slashes - 1); break }
			if (!start) { out = out line; break }
			out = out substr(line, 1, start - 1)
			line = substr(line, start + 2)
			inside = 1
		}
		if (out ~ /[^ \t]/) lines++
	}
	END { print lines + 0 }' "$@"
}
sum=0
for folder in $(find . -name '*.[chS]' -printf '%h\n' | sort -u); do
	n=$(count "$folder"/*.[chS])
	sum=$((sum + n))
	printf '%-16s %6d\n' "${folder#./}" "$n"
done
printf '%-16s %6d\n' sum "$sum"
[ $# -eq 0 ] || [ "$sum" -le "$1" ] || { echo "more than $1 lines" >&2; exit 1; }
