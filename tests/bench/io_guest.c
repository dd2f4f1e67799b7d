/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest of the device benchmark runs, the same binary under vmwp and under QEMU:
 *	io-guest disk DEVICE COUNT		4 KiB at random, depth 1 and 32, and 128 KiB in sequence
 *	io-guest net ADDRESS COUNT		TCP with io-peer: one byte there and back, a stream each way
 * Each row begins and ends with BENCH_MARK, for count_plugin.c; then comes "bench-io: NAME OPERATIONS".
 */
#include "bench_mark.h"
#include "io_peer.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX	32
#define SMALL		4096u
#define LARGE		131072u
#define STREAM_BYTES	65536u		/* of one write to the socket; rows of streams are per MiB */

static void row(const char *name, unsigned int operations)
{
	bench_mark();
	printf("bench-io: %s %u\n", name, operations);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- disk --- */

struct disk {
	int fd;
	uint64_t bytes, random;
	aio_context_t aio;
	void *buffers;			/* DEPTH_MAX of them */
};

static uint64_t next_offset(struct disk *d, bool sequential, uint32_t bytes, unsigned int index)
{
	d->random ^= d->random << 13;	/* xorshift64: the same places in every run */
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return (sequential ? index : d->random) % (d->bytes / bytes) * bytes;
}

static void aio_start(struct disk *d, struct iocb *cb, bool write, uint64_t offset)
{
	cb->aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	cb->aio_offset = (int64_t)offset;
	if (syscall(SYS_io_submit, d->aio, 1, &cb) != 1)
		die("io_submit");
}

/* `depth` requests under way until `count` are done. */
static void disk_run(struct disk *d, bool write, bool sequential, uint32_t bytes, unsigned int depth, unsigned int count)
{
	struct iocb cbs[DEPTH_MAX] = { 0 };
	struct io_event events[DEPTH_MAX];
	unsigned int started = 0, done = 0;

	for (; started < depth && started < count; started++) {
		cbs[started].aio_fildes = (uint32_t)d->fd;
		cbs[started].aio_buf = (uintptr_t)d->buffers + started * LARGE;
		cbs[started].aio_nbytes = bytes;
		aio_start(d, &cbs[started], write, next_offset(d, sequential, bytes, started));
	}
	while (done < count) {
		long n = syscall(SYS_io_getevents, d->aio, 1, DEPTH_MAX, events, NULL);

		for (long i = 0; i < n; i++, done++) {
			if (events[i].res != bytes)
				die("a request");
			if (started < count)
				aio_start(d, (struct iocb *)(uintptr_t)events[i].obj, write, next_offset(d, sequential, bytes, started++));
		}
	}
}

static const struct { const char *name; bool write, sequential; uint32_t bytes; unsigned int depth; } disk_rows[] = {
	{ "read-4k-1", false, false, SMALL, 1 },	{ "read-4k-32", false, false, SMALL, 32 },
	{ "write-4k-1", true, false, SMALL, 1 },	{ "write-4k-32", true, false, SMALL, 32 },
	{ "read-128k", false, true, LARGE, 1 },		{ "write-128k", true, true, LARGE, 1 },
};

static void bench_disk(const char *device, unsigned int count)
{
	struct disk d = { .fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC), .random = 88172645463325252ull };

	if (d.fd < 0 || ioctl(d.fd, BLKGETSIZE64, &d.bytes) < 0 || syscall(SYS_io_setup, DEPTH_MAX, &d.aio) < 0)
		die(device);
	if (posix_memalign(&d.buffers, LARGE, (size_t)DEPTH_MAX * LARGE))
		die("memory");
	memset(d.buffers, 0x5a, (size_t)DEPTH_MAX * LARGE);
	for (size_t i = 0; i < sizeof(disk_rows) / sizeof(disk_rows[0]); i++) {
		unsigned int n = disk_rows[i].sequential ? count / 4 : count;

		disk_run(&d, disk_rows[i].write, disk_rows[i].sequential, disk_rows[i].bytes, disk_rows[i].depth, n / 8);	/* first use */
		bench_mark();
		disk_run(&d, disk_rows[i].write, disk_rows[i].sequential, disk_rows[i].bytes, disk_rows[i].depth, n);
		row(disk_rows[i].name, n);
	}
}

/* --- network --- */

static void ping_pong(int fd, unsigned int count)
{
	char byte = 0;

	for (unsigned int i = 0; i < count; i++)
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			die("ping-pong");
}

static void stream_out(int fd, unsigned int mib)
{
	static char buffer[STREAM_BYTES];
	char byte;

	for (uint64_t left = (uint64_t)mib << 20; left; left -= sizeof(buffer))
		if (write_all(fd, buffer, sizeof(buffer)) < 0)
			die("stream out");
	if (read(fd, &byte, 1) != 1)	/* the peer has it all */
		die("stream out");
}

static void stream_in(int fd, unsigned int mib)
{
	static char buffer[STREAM_BYTES];

	for (uint64_t left = (uint64_t)mib << 20; left;) {
		ssize_t n = read(fd, buffer, left < sizeof(buffer) ? (size_t)left : sizeof(buffer));

		if (n <= 0)
			die("stream in");
		left -= (uint64_t)n;
	}
}

static const struct { const char *name; enum peer_work work; void (*run)(int fd, unsigned int count); unsigned int per; } net_rows[] = {
	{ "tcp-ping-pong", PEER_ECHO, ping_pong, 1 },
	{ "tcp-stream-out", PEER_TAKE, stream_out, 64 },	/* a MiB is some 64 operations */
	{ "tcp-stream-in", PEER_GIVE, stream_in, 64 },
};

static void bench_net(const char *address, unsigned int count)
{
	for (size_t i = 0; i < sizeof(net_rows) / sizeof(net_rows[0]); i++) {
		unsigned int n = count / net_rows[i].per, first = n / 8 + 1;
		int fd = peer_connect(address);
		struct peer_order order = { net_rows[i].work, first, n };

		if (fd < 0 || write_all(fd, &order, sizeof(order)) < 0)
			die("io-peer");
		net_rows[i].run(fd, first);
		bench_mark();
		net_rows[i].run(fd, n);
		row(net_rows[i].name, n);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "disk") == 0)
		bench_disk(argv[2], (unsigned int)atoi(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "net") == 0)
		bench_net(argv[2], (unsigned int)atoi(argv[3]));
	else
		return 2;
	return 0;
}
