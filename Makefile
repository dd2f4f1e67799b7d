# SPDX-License-Identifier: Apache-2.0
# The one front door. `make run` and `make test` do everything; `make help` lists the rest.
# On the host this file only prepares the build root and runs itself again inside it, so that every rule below the
# line works with pinned tools whatever the host is. Each folder's rules.mk adds its own targets.

ifeq ($(wildcard /.partita-build-root),)
include image/host.mk
else

B := build
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
ifndef V	# V=1 shows the commands
.SILENT:
endif

CC := gcc
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wimplicit-fallthrough -Wshadow -Wvla -Wundef
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fPIE -Wl,-z,relro,-z,now -pie
CFLAGS := -std=gnu11 -O2 -g -pipe $(WARNINGS) -D_GNU_SOURCE
INCLUDES := -Iappliance/include -Iappliance -Ihv/include/abi

# $(call c-program,NAME,SOURCES,PKG-CONFIG PACKAGES,EXTRA FLAGS) builds $(B)/bin/NAME.
# $(call c-test,NAME,SOURCES,PACKAGES,EXTRA FLAGS) builds the host unit test $(B)/unit/NAME (cmocka) and adds it to `make check`.
# An object belongs to whoever compiles that file with those flags: the tests share those of the programs.
c-flags = $(strip $(filter-out -l%,$(2)) $(if $(strip $(1)),$(shell pkg-config --cflags $(1))))
c-key = o$(subst =,-,$(subst /,_,$(subst ",,$(subst ',,$(subst $() $(),,$(1))))))
define c-object-rule
ifndef have-$(1)
have-$(1) := 1
$(B)/obj/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo '  cc    $$<'
	$(CC) $(CFLAGS) $(HARDENING) $(INCLUDES) $(2) -MMD -MP -c -o $$@ $$<
endif
endef
define c-link-rule
$(1): $(2)
	@mkdir -p $$(@D)
	@echo '  link  $$@'
	$(CC) $(HARDENING) -o $$@ $$^ $(if $(strip $(3)),$$$$(pkg-config --libs $(3))) $(filter -l%,$(4))
-include $(2:.o=.d)
endef
# $(call c-binary-with,OUTPUT,SOURCES,PACKAGES,EXTRA FLAGS,COMPILE FLAGS)
define c-binary-with
$(call c-object-rule,$(call c-key,$(5)),$(5))
$(call c-link-rule,$(1),$(patsubst %.c,$(B)/obj/$(call c-key,$(5))/%.o,$(2)),$(3),$(4))
endef
c-binary = $(call c-binary-with,$(2),$(3),$(4),$(5),$(call c-flags,$(4),$(5)))
c-program = $(eval PROGRAMS += $(B)/bin/$(1))$(eval $(call c-binary,$(1),$(B)/bin/$(1),$(2),$(3),$(4)))
c-test = $(eval UNIT_TESTS += $(B)/unit/$(1))$(eval $(call c-binary,test-$(1),$(B)/unit/$(1),$(2),$(3) cmocka,$(4)))

include $(wildcard hv/rules.mk appliance/rules.mk appliance/*/rules.mk webapi/rules.mk console/rules.mk ui/rules.mk rootfs/rules.mk image/rules.mk tests/rules.mk)

.PHONY: all check test help
all: $(PROGRAMS)	## hv, the services and the browser UI
check: $(UNIT_TESTS)	## unit tests, in seconds
	@rm -f $(B)/test-results
	@TEST_RESULTS=$(B)/test-results tests/run-unit.sh $(UNIT_TESTS)

# Unit tests, then the system tests, which boot the image with `make start` and read build/run/appliance.json. Both run to
# the end; each adds "passed N" and "failed N" to test-results.
test: $(UNIT_TESTS) image	## unit and system tests
	@rm -f $(B)/test-results; unit=0; export TEST_RESULTS=$(B)/test-results; \
	tests/run-unit.sh $(UNIT_TESTS) || unit=$$?; tests/run-system.sh && [ $$unit = 0 ]

help:
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1\t/p' Makefile image/host.mk */rules.mk | sort -u | expand -t 12
endif
