# SPDX-License-Identifier: Apache-2.0
$(call c-test,ipc,tests/unit/ipc/test_ipc.c $(wildcard appliance/lib/*.c),jansson libsystemd)
