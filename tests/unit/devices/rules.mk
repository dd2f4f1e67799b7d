# SPDX-License-Identifier: Apache-2.0
# Devices of the chipset, each on the fake machine.
DEVICE_TEST := tests/unit/devices/fake_machine.c appliance/vmwp/state.c
DEVICE_SOURCES = $(addprefix appliance/vmwp/chipset/,$(1))
$(call c-test,ide,tests/unit/devices/test_ide.c $(DEVICE_TEST) $(STORAGE_SOURCES) appliance/vmwp/meters.c \
	$(call DEVICE_SOURCES,ide.c ide_pio.c ide_dma.c ide_ata.c ide_identify.c ide_atapi.c ide_mmc.c ide_state.c mmc.c),$(STORAGE_PKGS),)
VGA_SOURCES := $(call DEVICE_SOURCES,vga.c vga_regs.c vga_dispi.c vga_window.c vga_screen.c vga_text.c vga_graphics.c vga_state.c display.c)
PS2_SOURCES := $(call DEVICE_SOURCES,ps2.c ps2_keyboard.c ps2_mouse.c)
$(call c-test,vga,tests/unit/devices/test_vga.c $(DEVICE_TEST) $(VGA_SOURCES) $(PS2_SOURCES),libpng,)
$(call c-test,ps2,tests/unit/devices/test_ps2.c $(DEVICE_TEST) $(PS2_SOURCES),,)
$(call c-test,serial,tests/unit/devices/test_serial.c $(DEVICE_TEST) $(call DEVICE_SOURCES,serial.c serial_stream.c),,)
