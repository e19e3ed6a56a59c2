/* SPDX-License-Identifier: MIT */
/*
 * The few functions of QEMU's plugin interface that counting needs, written from its documentation
 * (docs/devel/tcg-plugins.rst), because Debian ships no header. QEMU 11.1 has version 7 of the
 * interface, and refuses older ones: since then every callback gets data of its own.
 */
#ifndef LAB_COUNT_PLUGIN_H
#define LAB_COUNT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_VERSION 7
#define PLUGIN_EXPORT  __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info; /* not used here */

enum plugin_registers { PLUGIN_NO_REGISTERS };

typedef void (*plugin_called)(unsigned int processor, void *data);
typedef void (*plugin_translated)(struct qemu_plugin_tb *tb, void *data);

void qemu_plugin_register_vcpu_init_cb(uint64_t id, plugin_called call, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, plugin_translated call, void *data);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, plugin_called call,
					  enum plugin_registers registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, plugin_called call,
					    enum plugin_registers registers, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *bytes, size_t room);

#endif
