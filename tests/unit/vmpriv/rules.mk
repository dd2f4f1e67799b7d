# SPDX-License-Identifier: Apache-2.0
# Switches and taps with the real kernel, in a network namespace of the test's own.
$(call c-test,vmpriv_network,tests/unit/vmpriv/test_network.c $(addprefix appliance/vmpriv/,bridge.c tap.c netlink.c uplink.c networkd.c) \
	appliance/lib/log.c appliance/lib/guid.c,libsystemd,-Iappliance/vmpriv)
$(call c-test,vmpriv_paging,tests/unit/vmpriv/test_paging.c appliance/vmpriv/paging.c,,-Iappliance/vmpriv)
$(call c-test,vmpriv_cgroup,tests/unit/vmpriv/test_cgroup.c appliance/vmpriv/cgroup.c appliance/lib/log.c,,-Iappliance/vmpriv)
