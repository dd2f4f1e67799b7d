# SPDX-License-Identifier: Apache-2.0
# Virtual disks against other readers (part of `make test`), the long runs, and what they cost beside qemu-img.
STORAGE_TESTED := $(B)/bin/partita-vdisk $(addprefix $(B)/unit/,disk-model disk-power-cut disk-merge-cut disk-hostile)

.PHONY: test-storage test-storage-all bench-storage
test-storage: $(STORAGE_TESTED)	## virtual disks against qemu-img
	B=$(CURDIR)/$(B) tests/storage/run.sh
test-storage-all: $(STORAGE_TESTED)	## the same, and a million operations, ten thousand power cuts, fuzzing: many minutes
	B=$(CURDIR)/$(B) tests/storage/run.sh all
bench-storage: $(B)/bin/partita-vdisk	## virtual disks beside raw files and qemu-img bench; build/bench-storage.json
	B=$(CURDIR)/$(B) tests/storage/bench.sh
