# SPDX-License-Identifier: Apache-2.0
# Programs that run in the root partition of the tests. Not part of `make all`: tests/guest/*.sh build what they use.
$(eval $(call c-binary,worker-drive,$(B)/tests/worker-drive,tests/guest/worker_drive.c $(wildcard appliance/lib/*.c),jansson libsystemd,))
$(eval $(call c-binary,net-attach,$(B)/tests/net-attach,tests/guest/net_attach.c $(addprefix appliance/vmpriv/,bridge.c tap.c netlink.c uplink.c networkd.c) \
	$(wildcard appliance/lib/*.c),jansson libsystemd,))

# Static, because the boot tests' root disk has no libraries.
$(B)/tests/first-child: tests/guest/first_child.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(INCLUDES) -static -pthread -o $@ $<
