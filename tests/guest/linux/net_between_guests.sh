#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two Debian guests on one switch: ping and MIB MiB of checksummed data each way, there with an MTU of 1,500 and back with 9,000. Then
# the second loses its link and gets it back, and its adapter is taken away and plugged in again, as the guest sees it.
set -eu
. "$(dirname "$0")/net.inc"
mib=${MIB:-1}
seconds=${SECONDS_MAX:-600}
cat >"$work/pair.guest" <<'GUEST'
for i in $(seq 60); do [ -e /sys/class/net/eth0 ] && break; sleep 1; done
me=$(sed 's/.*://; s/^0//' /sys/class/net/eth0/address)
ip addr add 10.9.9.$me/24 dev eth0
ip link set eth0 up
mkfifo /tmp/idle /tmp/copy
sum_of() { md5sum | cut -c1-32; }
dd if=/dev/urandom of=/tmp/block bs=1M count=1 2>/dev/null
send() {	# NC-ARGUMENT...: says what it sent
	sum_of </tmp/copy >/tmp/sent &
	summing=$!
	for i in $(seq $(option mib)); do cat /tmp/block; done | tee /tmp/copy | nc "$@"
	wait $summing
	echo "guest $me: sent $(cat /tmp/sent)"
}
if [ "$me" = 1 ]; then
	ip link set eth0 mtu 9000
	ip link set eth0 up
	echo "guest 1: got $(nc -l -p 5001 <>/tmp/idle | sum_of)"
	send -l -p 5003
	for i in 1 2; do iperf3 -s -1 >/tmp/iperf3 2>&1 || sed 's/^/guest 1: /' /tmp/iperf3; done
	nc -l -p 5002 </dev/null
else
	for i in $(seq 90); do ping -c 1 -W 1 10.9.9.1 >/dev/null && break; done
	ping -c 5 -q 10.9.9.1 | sed -n 's/.*, \([0-9]* packets received\).*/guest 2: ping \1/p'
	send 10.9.9.1 5001
	ip link set eth0 mtu 9000
	for i in $(seq 60); do ping -c 1 -W 1 10.9.9.1 >/dev/null && break; done
	ping -c 3 -s 8000 -q 10.9.9.1 | sed -n 's/.*, \([0-9]* packets received\).*/guest 2: large ping \1/p'
	for i in $(seq 60); do
		got=$(nc 10.9.9.1 5003 <>/tmp/idle | sum_of)
		[ "$got" = "$(sum_of </dev/null)" ] || break
		sleep 1
	done
	echo "guest 2: got $got"
	for way in "" -R; do
		for i in $(seq 60); do iperf3 -c 10.9.9.1 -t 5 -f m $way >/tmp/iperf3 2>&1 && break; sleep 1; done
		echo "guest 2: iperf3 $way $(grep receiver /tmp/iperf3 || tail -1 /tmp/iperf3)"
	done
	echo "guest 2: says link"
	for i in $(seq 60); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && break; sleep 1; done
	echo "guest 2: carrier $(cat /sys/class/net/eth0/carrier) after down"
	for i in $(seq 60); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && break; sleep 1; done
	echo "guest 2: carrier $(cat /sys/class/net/eth0/carrier) after up"
	for i in $(seq 60); do [ -e /sys/class/net/eth0 ] || break; sleep 1; done
	[ -e /sys/class/net/eth0 ] || echo "guest 2: adapter gone"
	for i in $(seq 60); do [ -e /sys/class/net/eth0 ] && break; sleep 1; done
	ip addr add 10.9.9.2/24 dev eth0
	ip link set eth0 up
	for i in $(seq 60); do ping -c 1 -W 1 10.9.9.1 >/dev/null && break; done
	ping -c 5 -q 10.9.9.1 | sed -n 's/.*, \([0-9]* packets received\).*/guest 2: after all \1/p'
	nc 10.9.9.1 5002
	echo "guest 2: done"
fi
GUEST
{
	cat <<SCRIPT
dmesg -n 4
export LD_LIBRARY_PATH=/usr/lib
attach=/tests/net-attach
\$attach switch $switch private
drive() { worker-drive /bin/vmwp /firmware/bios-256k.bin /firmware/vgabios-stdvga.bin iso=/dev/vda memory=192 vps=1 seconds=$seconds; }
drive >/tmp/first 2>&1 &
first=\$!
sleep 1
\$attach attach /tmp/worker.sock $(adapter 1) 00:15:5d:00:00:01 $switch
mv /tmp/worker.sock /tmp/first.sock
drive >/tmp/second 2>&1 &
second=\$!
sleep 1
\$attach attach /tmp/worker.sock $(adapter 2) 00:15:5d:00:00:02 $switch
until grep -q "guest 2: says link" /tmp/second || ! kill -0 \$second; do sleep 1; done
\$attach link /tmp/worker.sock $(adapter 2) 00:15:5d:00:00:02 down
until grep -q "after down" /tmp/second || ! kill -0 \$second; do sleep 1; done
\$attach link /tmp/worker.sock $(adapter 2) 00:15:5d:00:00:02 up
until grep -q "after up" /tmp/second || ! kill -0 \$second; do sleep 1; done
\$attach detach /tmp/worker.sock $(adapter 2)
until grep -q "adapter gone" /tmp/second || ! kill -0 \$second; do sleep 1; done
\$attach attach /tmp/worker.sock $(adapter 2) 00:15:5d:00:00:02 $switch
wait \$second
wait \$first
cat /tmp/first /tmp/second
dmesg | grep "cut here"
SCRIPT
} >"$work/root-script"
run_net $((seconds + 60)) "${SUITE:-trixie}" "$work/pair.guest" "socat quiet mib=$mib"
must_say "guest 2: ping 5 packets" "guest 2: large ping 3 packets" "guest 2: carrier 0 after down" "guest 2: carrier 1 after up" "guest 2: adapter gone" \
	"guest 2: after all 5 packets" "guest 2: done" "guest 2: iperf3  .* receiver" "guest 2: iperf3 -R .* receiver"
must_not_say "cut here" "hv: panic" "BUG:" "Call Trace"
same "what the first guest got" "$(said 'guest 1: got')" "$(said 'guest 2: sent')"
same "what the second guest got" "$(said 'guest 2: got')" "$(said 'guest 1: sent')"
must_end
