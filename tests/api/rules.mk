# SPDX-License-Identifier: Apache-2.0
.PHONY: check-api
check-api: $(addprefix $(B)/bin/,vmpriv vmms webapi)	## REST tests against the services on this machine (no VM is started)
	BIN=$(CURDIR)/$(B)/bin tests/api/local.sh
