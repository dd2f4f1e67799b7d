# SPDX-License-Identifier: Apache-2.0
CONSOLE_RFB := $(addprefix console/,rfb/out.c rfb/pixel.c rfb/encode.c rfb/raw.c rfb/zrle.c rfb/tight.c rfb/update.c rfb/cursor.c rfb/session.c \
	input/keyboard.c input/keysyms.c)
$(call c-program,console,console/main.c console/display_link.c console/sandbox.c $(CONSOLE_RFB),libjpeg zlib libseccomp,-Iconsole)
