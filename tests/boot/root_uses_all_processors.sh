#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two and four processors: all of them run Linux, started by its INIT and SIPI through hv.
set -eu
. "$(dirname "$0")/qemu.inc"
boot_root 50 2 2G test=poweroff
must_say "init: reached with 2 processors"
must_end
boot_root 50 4 2G test=poweroff
must_say "init: reached with 4 processors"
must_end
