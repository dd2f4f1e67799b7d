# SPDX-License-Identifier: Apache-2.0
$(call c-program,vmpriv,$(wildcard appliance/vmpriv/*.c) $(wildcard appliance/lib/*.c),jansson libsystemd)
