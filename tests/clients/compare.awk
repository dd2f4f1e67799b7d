# SPDX-License-Identifier: Apache-2.0
# What the units said against what the table expects: "ok NAME ..." or "not ok NAME ...". Fails when one differs or is missing.
BEGIN {
	while ((getline line <table) > 0) {
		split(line, part, "|")
		split(part[1], start, " ")
		split(part[2], n, " ")
		names[++count] = start[1]
		expected[start[1]] = n[1] " " n[2] " " n[3]
	}
}
{ sub(/\r$/, "") }
/^unit .* begins$/ { name = $2; pass = fail = 0 }
/^PASS: / { pass++ }
/^FAIL: / { fail++; failures[name] = failures[name] "\n    " $0 }
/^unit .* ends / { seen[$2] = pass " " fail " " $4 }
END {
	for (i = 1; i <= count; i++) {
		name = names[i]
		said = name in seen ? seen[name] : "did not end"
		good = said == expected[name]
		print (good ? "ok " : "not ok ") name ": " said (good ? "" : ", expected " expected[name] failures[name])
		bad += !good
	}
	exit bad > 0
}
