#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# 6 GiB: the root has all but hv's share, without nokaslr or any help.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 50 2 6G test=poweroff
must_say "init: reached with 2 processors, 59[0-9][0-9] MiB"
must_end
