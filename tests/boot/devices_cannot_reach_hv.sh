#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A device that is told to read and write hv's image, hv's page tables or the IOMMU's registers does not get there, and hv says so;
# with the root's memory it works. The machine has AMD's IOMMU (with IOMMU=intel-iommu: Intel's, which does as well beside an AMD CPU).
# QEMU's AMD-Vi translates with dma-remap=on only, and has no address in what it logs (both of 11.1).
set -eu
. "$(dirname "$0")/qemu.inc"
make -s -C "$top" B="$build" "$build/tests/dma-test" "$build/tests/child-tests"
iommu=${IOMMU:-amd-iommu,dma-remap=on}
case $iommu in
amd-iommu*) registers=fed80000 name=AMD-Vi image='[0-9a-f]*' ;;
intel-iommu*) registers=fed90000 name=VT-d image=200000 ;;
esac
printf '/tests/child-tests -n 20 triple-fault && /tests/dma-test %s\n' "$registers" >"$work/dma"	# pages come and go first
test_disk "$top/$build/tests/dma-test" "$top/$build/tests/child-tests" "$work/dma"
boot_root 90 2 1G test=dma -device "$iommu" -device edu,dma_mask=0xffffffffffffffff,addr=05.0
must_say "^1\.\.20, 0 failed" "^hv: 1 IOMMU ($name) let devices reach what the root does" "^hv: device 00:05.0 was kept from $image ($name" \
	"^ok hv outlives a device's writing to hv's image" "^ok hv outlives a device's writing to hv's page tables" "init: test ended with 0"
must_not_say "^not ok"
must_end
