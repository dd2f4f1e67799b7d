# SPDX-License-Identifier: Apache-2.0
# The host's half of the front door: prepares the build root once, then runs the same target inside it.
MAKECMDGOALS ?= all
.PHONY: $(MAKECMDGOALS)
$(MAKECMDGOALS):
	@image/host-setup.sh
	@rootfs/build-root/enter.sh "$$(rootfs/build-root/make-build-root.sh)" $(MAKE) --no-print-directory $@ $(MAKEOVERRIDES)
