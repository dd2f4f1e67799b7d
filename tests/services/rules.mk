# SPDX-License-Identifier: Apache-2.0
# Real vmpriv and vmms on the build host, with a stand-in worker where there is no /dev/mshv. Part of `make check`.
$(eval $(call c-binary,test-worker,$(B)/unit/services/test-worker,tests/services/test-worker.c $(wildcard appliance/lib/*.c) $(STORAGE_SOURCES),jansson libsystemd $(STORAGE_PKGS)))
$(eval $(call c-binary,test-vmpriv,$(B)/unit/services/vmpriv,tests/services/test-swap.c $(filter-out appliance/vmpriv/swap.c,$(wildcard appliance/vmpriv/*.c)) \
	$(wildcard appliance/lib/*.c),jansson libsystemd))
UNIT_TESTS += $(B)/unit/services/run
$(B)/unit/services/run: $(B)/unit/services/vmpriv $(B)/bin/vmms $(B)/bin/console $(B)/unit/services/test-worker
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec %s %s "$$@"\n' '$(abspath tests/services/run.py)' '$(abspath $(B))' >$@
	@chmod +x $@
