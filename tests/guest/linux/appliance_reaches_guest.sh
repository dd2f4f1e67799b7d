#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An appliance of its own, and tests/api/guest-takes-*.sh in it: file copy, addresses, items and memory of a running Debian guest through
# REST. Run inside the build root, after `make image`.
set -eu
cd "$(dirname "$0")/../../.."
work=${BOOT_TEST_DIR:-$(mktemp -d)}
RUN=$work/appliance PORT=${PORT:-8447} FRESH=1
export RUN PORT FRESH
trap 'image/run/appliance.sh stop' EXIT
trap 'exit 1' INT TERM HUP
image/run/appliance.sh start
APPLIANCE_JSON=$RUN/appliance.json TEST_RESULTS=$work/results tests/api/run.sh guest-takes-files-addresses-items-and-memory.sh
