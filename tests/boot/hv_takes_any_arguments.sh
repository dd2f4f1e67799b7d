#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nonsense on hv's own command line does no harm: unknown words, numbers out of range, no value, a very long line.
set -eu
. "$(dirname "$0")/qemu.inc"
long=$(head -c 3000 /dev/zero | tr '\0' x)
boot_root 60 1 1G test=poweroff -append "loglevel=99999999999999999999999 loglevel panic_restart=18446744073709551616 = == x= =1 \
panic_restart=-1 fault_test= fault_tes=1 %s%n%x \"'\$ $long loglevel=loglevel=2"
must_say "init: reached with 1 processors" "entering sleep state S5"
must_not_say "stopped:"
must_end
