# SPDX-License-Identifier: Apache-2.0
.PHONY: test-clients
test-clients: hv kernel	## QEMU's mshv accelerator and kvm-unit-tests on /dev/mshv; half an hour
	B=$(B) tests/clients/run.sh
