# SPDX-License-Identifier: Apache-2.0
$(call c-test,rfb,tests/unit/console/test_rfb.c $(CONSOLE_RFB),libjpeg zlib,-Iconsole)
$(call c-test,console,tests/unit/console/test_console.c,,-DCONSOLE_PROGRAM='"$(B)/bin/console"')
$(B)/unit/console: | $(B)/bin/console
