/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest of the device benchmark (io_guest.c) and its peer on the host (io_peer.c) say to each other over TCP. */
#ifndef TESTS_BENCH_IO_PEER_H
#define TESTS_BENCH_IO_PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_PORT	5201

enum peer_work { PEER_ECHO, PEER_TAKE, PEER_GIVE };	/* single bytes back; MiB taken, then one byte back; MiB given */
struct peer_order { uint32_t work, first, count; };	/* done `first` times, then `count` times */

static inline int write_all(int fd, const void *from, size_t bytes)
{
	for (const char *at = from; bytes;) {
		ssize_t n = write(fd, at, bytes);

		if (n <= 0)
			return -1;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static inline int peer_socket(const char *address, struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PEER_PORT) };
	if (fd < 0 || inet_pton(AF_INET, address, &to->sin_addr) != 1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static inline int peer_connect(const char *address)
{
	struct sockaddr_in to;
	int fd = peer_socket(address, &to);

	return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -1 : fd;
}

#endif
