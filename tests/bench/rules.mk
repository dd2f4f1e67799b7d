# SPDX-License-Identifier: Apache-2.0
# `make bench`: what Partita costs beside its peers, measured in one run; build/bench.json has every row.
BENCH := $(B)/bench
EXITS_COUNT := 1000

.PHONY: bench
bench: image $(BENCH)/exits-kvm $(BENCH)/exits-mshv $(BENCH)/io-guest $(BENCH)/io-peer $(BENCH)/count.so $(B)/bin/vmwp $(B)/tests/worker-drive $(B)/tests/net-attach $(B)/unit/services/run	## measure; prints a table and writes build/bench.json
	@tests/bench/run.sh

$(BENCH)/exits-kvm: tests/bench/exits_kvm.c
$(BENCH)/exits-mshv: tests/bench/exits_mshv.c $(wildcard appliance/hvclient/*.c)
$(BENCH)/exits-kvm $(BENCH)/exits-mshv: tests/bench/exits.h tests/bench/exits_guest.S
	@mkdir -p $(@D)
	@echo '  cc    $@'
	$(CC) $(CFLAGS) $(INCLUDES) -DEXITS_COUNT=$(EXITS_COUNT) -static -o $@ $(filter %.c %.S,$^)

$(BENCH)/io-guest $(BENCH)/io-peer: $(BENCH)/io-%: tests/bench/io_%.c tests/bench/io_peer.h tests/bench/bench_mark.h
	@mkdir -p $(@D)
	@echo '  cc    $@'
	$(CC) $(CFLAGS) $(INCLUDES) -static -o $@ $<

$(BENCH)/count.so: tests/bench/count_plugin.c tests/bench/bench_mark.h
	@mkdir -p $(@D)
	@echo '  cc    $@'
	$(CC) $(CFLAGS) -fPIC -shared -o $@ $<
