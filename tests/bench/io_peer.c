/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of the device benchmark's TCP rows, on the host of the guest: io-peer. One connection after the other. */
#include "io_peer.h"

#include <stdio.h>

static char buffer[65536];

static int echo(int fd, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (read(fd, buffer, 1) != 1 || write(fd, buffer, 1) != 1)
			return -1;
	return 0;
}

static int take(int fd, uint32_t mib)
{
	for (uint64_t left = (uint64_t)mib << 20; left;) {
		ssize_t n = read(fd, buffer, left < sizeof(buffer) ? (size_t)left : sizeof(buffer));

		if (n <= 0)
			return -1;
		left -= (uint64_t)n;
	}
	return write_all(fd, buffer, 1);
}

static int give(int fd, uint32_t mib)
{
	for (uint64_t left = (uint64_t)mib << 20; left; left -= sizeof(buffer))
		if (write_all(fd, buffer, sizeof(buffer)) < 0)
			return -1;
	return 0;
}

static int serve(int fd)
{
	static int (*const works[])(int, uint32_t) = { [PEER_ECHO] = echo, [PEER_TAKE] = take, [PEER_GIVE] = give };
	struct peer_order order;

	if (recv(fd, &order, sizeof(order), MSG_WAITALL) != sizeof(order) || order.work > PEER_GIVE)
		return -1;
	return works[order.work](fd, order.first) < 0 ? -1 : works[order.work](fd, order.count);
}

int main(void)
{
	struct sockaddr_in here;
	int listener = peer_socket("0.0.0.0", &here), one = 1;

	if (listener < 0 || bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listener, 4) < 0) {
		perror("io-peer");
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fd < 0 || serve(fd) < 0)
			perror("io-peer");
		close(fd);
	}
}
