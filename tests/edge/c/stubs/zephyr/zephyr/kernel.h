/* The part of Zephyr's kernel that the example uses. */
#pragma once
#include <stddef.h>
#include <stdint.h>
struct k_mem_slab {
    void *memory;
};
#define K_MEM_SLAB_DEFINE_STATIC(name, size, count, align)                                         \
    static char name##_memory[(size) * (count)];                                                   \
    static struct k_mem_slab name = {name##_memory}
static inline void k_mem_slab_free(struct k_mem_slab *slab, void *block) {
    (void)slab;
    (void)block;
}
