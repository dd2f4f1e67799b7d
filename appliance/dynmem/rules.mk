# SPDX-License-Identifier: Apache-2.0
# A library of pure functions: programs that use it add DYNMEM_SOURCES to their sources.
DYNMEM_SOURCES := $(addprefix appliance/dynmem/,share.c balance.c admit.c words.c)
