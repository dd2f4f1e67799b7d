# SPDX-License-Identifier: Apache-2.0
# Images that lie, one part of a file at a time.
FUZZ_IMAGE_PARTS := vhdx_header vhdx_regions vhdx_metadata vhdx_bat vhdx_log vhdx_locator vhd_footer vhd_header vhd_locator
$(foreach t,$(FUZZ_IMAGE_PARTS),$(call fuzz-target,$(t),tests/fuzz/storage/image.c tests/fuzz/storage/base.c $(STORAGE_SOURCES),$(STORAGE_PKGS),,200))
$(call fuzz-target,iso9660,tests/fuzz/storage/iso9660.c appliance/vmms/iso9660.c,jansson libsystemd mbedcrypto,,5000)
