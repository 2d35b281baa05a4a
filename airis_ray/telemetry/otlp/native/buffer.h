/* Growing buffers, the scratch memory of one record, and the way out when there is no memory. */
#ifndef AIRIS_BUFFER_H
#define AIRIS_BUFFER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the columns are filled with the payload's own little-endian numbers"
#endif

/* Every buffer has this much room behind its end, so that short strings are copied in one fixed step. */
enum { SLACK = 32 };

/* Why a payload is given up as a whole; the value that longjmp hands to the entry. */
enum { ESCAPE_NO_MEMORY = 1, ESCAPE_TOO_LARGE = 2 };

typedef struct {
    uint8_t *p;
    size_t len, cap; /* cap leaves out the SLACK behind it; both together are a power of two */
} buffer;

typedef struct {
    const uint8_t *p, *end;
} slice;

typedef struct block {
    struct block *next;
    uint8_t bytes[];
} block;

/* What may fail and be freed: scratch blocks live until the record at hand is done. */
typedef struct {
    jmp_buf escape;
    block *blocks;
} memory;

void buffer_grow(memory *m, buffer *b, size_t extra);
void buffer_free(buffer *b);
void *scratch(memory *m, size_t size);
void scratch_free(memory *m);

static inline size_t slice_size(slice s) { return (size_t)(s.end - s.p); }

/* A place for `extra` bytes at the end of the buffer; the caller adds to `len`. */
static inline uint8_t *buffer_room(memory *m, buffer *b, size_t extra) {
    if (__builtin_expect(extra >= b->cap - b->len, 0)) buffer_grow(m, b, extra); /* also the first time */
    return b->p + b->len;
}

static inline void put_bytes(memory *m, buffer *b, const void *p, size_t n) {
    uint8_t *to = buffer_room(m, b, n);
    if (n) memcpy(to, p, n);
    b->len += n;
}

static inline void put_byte(memory *m, buffer *b, uint8_t byte) {
    *buffer_room(m, b, 1) = byte;
    b->len += 1;
}

#define PUT_FIXED(name, type)                                            \
    static inline void name(memory *m, buffer *b, type value) {          \
        memcpy(buffer_room(m, b, sizeof value), &value, sizeof value);   \
        b->len += sizeof value;                                          \
    }
PUT_FIXED(put_u32, uint32_t)
PUT_FIXED(put_u64, uint64_t)
PUT_FIXED(put_f64, double)

#endif
