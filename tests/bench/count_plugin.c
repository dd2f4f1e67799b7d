/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin of QEMU's TCG that counts the instructions of the whole emulated machine and writes a line "INSTRUCTIONS NANOSECONDS"
 * to out=FILE whenever the machine executes BENCH_MARK (bench_mark.h), at whatever level of virtualization. Not -icount: QEMU
 * 11.1 ends itself ("Bad icount read") when a guest reads the x2APIC's current count, as hv does. The few declarations stand
 * here because Debian does not package QEMU's header (QEMU, docs/devel/tcg-plugins).
 */
#include "bench_mark.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct { struct qemu_plugin_scoreboard *score; size_t offset; } qemu_plugin_u64;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 = 0, CB_NO_REGS = 0 };

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(struct qemu_plugin_tb *tb, void *data), void *data);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op, qemu_plugin_u64 entry, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned int vcpu, void *data), int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

extern int qemu_plugin_version;
int qemu_plugin_version = 7;

static const uint8_t mark[] = { BENCH_MARK };
static qemu_plugin_u64 instructions;
static FILE *out;

static void on_mark(unsigned int vcpu, void *data)
{
	struct timespec ts;

	(void)vcpu;
	(void)data;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	fprintf(out, "%llu %llu\n", (unsigned long long)qemu_plugin_u64_sum(instructions),
		(unsigned long long)ts.tv_sec * 1000000000ull + (unsigned long long)ts.tv_nsec);
	fflush(out);
}

static void on_translation(struct qemu_plugin_tb *tb, void *data)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	uint8_t bytes[sizeof(mark)];

	(void)data;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD_U64, instructions, count);
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) == sizeof(mark) && memcmp(bytes, mark, sizeof(mark)) == 0)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || !(out = fopen(argv[0] + 4, "w")))
		return -1;
	instructions = (qemu_plugin_u64){ qemu_plugin_scoreboard_new(sizeof(uint64_t)), 0 };
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation, NULL);
	return 0;
}
