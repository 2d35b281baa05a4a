#include "buffer.h"

#include <stdlib.h>

/* Offsets of Arrow strings are 32 bits wide. */
static const size_t LARGEST = INT32_MAX - 64;

void buffer_grow(memory *m, buffer *b, size_t extra) {
    if (extra > LARGEST - b->len) longjmp(m->escape, ESCAPE_TOO_LARGE);
    size_t cap = b->cap + b->cap / 2 + 64;
    if (cap < b->len + extra) cap = b->len + extra;
    uint8_t *p = realloc(b->p, cap + SLACK);
    if (!p) longjmp(m->escape, ESCAPE_NO_MEMORY);
    b->p = p;
    b->cap = cap;
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
