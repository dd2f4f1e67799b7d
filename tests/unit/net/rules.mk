# SPDX-License-Identifier: Apache-2.0
# The network adapter: frames (pure), the whole device behind the real VMBus server with a socket as its tap, and its parsers
# under random messages with the sanitizers on.
$(call c-test,net_frame,tests/unit/net/test_frame.c appliance/vmwp/vsp/net_frame.c,,)
$(call vmbus-test,netvsp,tests/unit/net/test_netvsp.c tests/unit/net/nic.c,,-I.)
NET_FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
