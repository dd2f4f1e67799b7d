# SPDX-License-Identifier: Apache-2.0
# A library: programs that use it add STORAGE_SOURCES to their sources and STORAGE_PKGS to their packages.
STORAGE_SOURCES := $(addprefix appliance/storage/,disk.c error.c image.c worker.c queue.c raw.c vhd.c)
STORAGE_PKGS := liburing
