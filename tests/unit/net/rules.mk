# SPDX-License-Identifier: Apache-2.0
# The network adapter: frames (pure), and the whole device behind the real VMBus server with a socket as its tap.
$(call c-test,net_frame,tests/unit/net/test_frame.c appliance/vmwp/vsp/net_frame.c,,)
$(call vmbus-test,netvsp,tests/unit/net/test_netvsp.c tests/unit/net/nic.c,,-I.)
