#include "buffer.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Offsets of Arrow strings are 32 bits wide. */
static const size_t LARGEST = INT32_MAX - 64;

/* Large pieces of memory, powers of two, that were freed and are kept for the next payload: to touch new pages
   costs more than to fill them. */
enum { SMALLEST_KEPT = 16, LARGEST_KEPT = 24, KEPT_BYTES = 64 << 20 };
static struct {
    atomic_flag busy;
    size_t bytes;
    block *free[LARGEST_KEPT + 1];
} kept = {.busy = ATOMIC_FLAG_INIT};

/* Whoever finds the store in use goes to the allocator instead. */
static bool enter(void) { return !atomic_flag_test_and_set_explicit(&kept.busy, memory_order_acquire); }
static void leave(void) { atomic_flag_clear_explicit(&kept.busy, memory_order_release); }

/* The power of two of a size that may be kept; 0 for others. */
static int power_of(size_t size) {
    if (size < (size_t)1 << SMALLEST_KEPT || size > (size_t)1 << LARGEST_KEPT) return 0;
    return 63 - __builtin_clzll(size);
}

static void *take(size_t size) {
    int power = power_of(size);
    block *found = NULL;
    if (power && enter()) {
        found = kept.free[power];
        if (found) {
            kept.free[power] = found->next;
            kept.bytes -= size;
        }
        leave();
    }
    return found ? (void *)found : malloc(size);
}

static void give(void *p, size_t size) {
    int power = power_of(size);
    if (power && enter()) {
        if (kept.bytes + size <= KEPT_BYTES) {
            block *freed = p;
            freed->next = kept.free[power];
            kept.free[power] = freed;
            kept.bytes += size;
            p = NULL;
        }
        leave();
    }
    free(p);
}

void buffer_grow(memory *m, buffer *b, size_t extra) {
    if (extra > LARGEST - b->len) longjmp(m->escape, ESCAPE_TOO_LARGE);
    size_t size = 128;
    while (size <= b->len + extra + SLACK) size *= 2;
    if (size < (size_t)1 << SMALLEST_KEPT) {
        uint8_t *p = realloc(b->p, size);
        if (!p) longjmp(m->escape, ESCAPE_NO_MEMORY);
        b->p = p;
    } else {
        uint8_t *p = take(size);
        if (!p) longjmp(m->escape, ESCAPE_NO_MEMORY);
        if (b->len) memcpy(p, b->p, b->len);
        buffer_free(b);
        b->p = p;
    }
    b->cap = size - SLACK;
}

void buffer_free(buffer *b) {
    if (b->p) give(b->p, b->cap + SLACK);
    b->p = NULL;
}

void *scratch(memory *m, size_t size) {
    block *made = malloc(sizeof(block) + size);
    if (!made) longjmp(m->escape, ESCAPE_NO_MEMORY);
    made->next = m->blocks;
    m->blocks = made;
    return made->bytes;
}

void scratch_free(memory *m) {
    while (m->blocks) {
        block *next = m->blocks->next;
        free(m->blocks);
        m->blocks = next;
    }
}
