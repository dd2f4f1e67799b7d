# SPDX-License-Identifier: Apache-2.0
# The machine half of hv on the host, as far as it is arithmetic and decisions: memory map, options, printf, the shared timer.
$(call c-test,hv-machine,tests/unit/hv_machine/test_machine.c hv/boot/memory_map.c hv/boot/options.c hv/lib/printf.c,,-Ihv/include -Ihv -fno-builtin)
$(call c-test,hv-timer,tests/unit/hv_machine/test_timer.c hv/arch/x86/timer.c,,-Itests/unit/hv_machine/include -Ihv/include -Ihv)
