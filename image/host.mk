# SPDX-License-Identifier: Apache-2.0
# The host's half of the front door: prepares the build root once, then runs the same target inside it. What needs root
# (mmdebstrap, for the build root and for the packages of the image) is done here, with sudo when we are not.
ENTER = rootfs/build-root/enter.sh "$$(rootfs/build-root/make-build-root.sh)"
NEED_BASE := run start test image rootfs bench

MAKECMDGOALS ?= all
.PHONY: $(MAKECMDGOALS) host
$(filter-out run,$(MAKECMDGOALS)): host
	@$(ENTER) $(MAKE) --no-print-directory -j"$$(nproc)" $@ $(MAKEOVERRIDES)

# Ctrl-C reaches this terminal's processes; those inside the build root would be gone before the appliance is off.
run: host	## build, boot the appliance, stay until Ctrl-C
	@$(ENTER) $(MAKE) --no-print-directory -j"$$(nproc)" start $(MAKEOVERRIDES)
	@image/run/foreground.sh $(ENTER) $(MAKE) --no-print-directory stop $(MAKEOVERRIDES)

host:
	@image/host-setup.sh
	@rootfs/build-root/make-build-root.sh >/dev/null
	@$(if $(filter $(NEED_BASE),$(MAKECMDGOALS)),rootfs/make-base.sh >/dev/null)
