# SPDX-License-Identifier: Apache-2.0
$(call c-test,webapi,$(wildcard tests/unit/webapi/*.c) $(WEBAPI_SOURCES),$(WEBAPI_PKGS),$(WEBAPI_FLAGS))

UNIT_TESTS += $(B)/unit/webapi-openapi
$(B)/unit/webapi-openapi: tests/unit/webapi/check_openapi.py $(B)/bin/webapi webapi/openapi.yaml
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nWEBAPI=%s exec %s\n' '$(abspath $(B))/bin/webapi' '$(abspath $<)' >$@
	@chmod +x $@
