# SPDX-License-Identifier: Apache-2.0
# Real vmpriv and vmms on the build host, with a stand-in worker where there is no /dev/mshv. Needs root (of the build root).
$(eval $(call c-binary,test-worker,$(B)/unit/services/test-worker,tests/services/test-worker.c $(wildcard appliance/lib/*.c),jansson libsystemd))
.PHONY: test-services
test-services: $(B)/bin/vmpriv $(B)/bin/vmms $(B)/unit/services/test-worker	## vmpriv and vmms for real, with a stand-in worker
	tests/services/run.py $(abspath $(B))
