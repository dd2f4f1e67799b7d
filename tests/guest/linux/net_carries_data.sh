#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian guest gets an address from its switch and exchanges data with the root partition, checksummed, with offloads, at MTU 9,000.
# SUITE, VPS and MIB choose more than the quick run.
set -eu
. "$(dirname "$0")/net.inc"
mib=${MIB:-2}
{
	net_root "$mib"
	net_serve
	cat <<SCRIPT
(\$attach attach /tmp/worker.sock $(adapter 1) 00:15:5d:00:00:01 $switch) &
worker-drive /bin/vmwp /firmware/bios-256k.bin /firmware/vgabios-stdvga.bin iso=/dev/vda memory=256 vps=${VPS:-1} seconds=${SECONDS_MAX:-220}
dmesg | grep "cut here"
SCRIPT
} >"$work/root-script"
run_net $((${SECONDS_MAX:-220} + 40)) "${SUITE:-trixie}" "${GUEST_SCRIPT:-$linux_dir/net.guest}" "quiet server=192.168.77.1 mib=$mib"
must_say "eth0 driver hv_netvsc address 00:15:5d:00:00:01" "guest: address 192.168.77." "guest: ping 5 packets" "guest: mtu 9000" \
	"guest: large ping 3 packets" "guest: tcp-segmentation-offload: on" "guest: tx-checksumming: on" "guest: network done" "worker ended: exit 0"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace" "no lease"
same "what the guest received" "$(said 'guest: received')" "$(said 'root: sends')"
same "what the guest sent" "$(said 'root: got')" "$(said 'guest: sent')"
must_end
