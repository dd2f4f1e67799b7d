# SPDX-License-Identifier: Apache-2.0
$(call c-test,dynmem,tests/unit/dynmem/test_dynmem.c $(DYNMEM_SOURCES),,)
$(call c-test,dynmem-day,tests/unit/dynmem/simulate.c $(DYNMEM_SOURCES),,-lm)
