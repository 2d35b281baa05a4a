/* AnyValue as text, and attributes as the entries of a map. */
#ifndef AIRIS_VALUE_H
#define AIRIS_VALUE_H

#include "column.h"
#include "wire.h"

/* Append the text of an AnyValue message to the buffer of a string column, whose row the caller ends. */
bool value_text(reader *r, buffer *out, slice message);
/* Append a KeyValue message as an entry of a map column, whose row the caller ends. */
bool put_attribute(reader *r, column *map, slice message);

/* A string out of the payload, checked: copied in one step where it is short. */
static inline bool put_checked(reader *r, buffer *b, slice s, const char *name) {
    static const uint8_t MASK[2 * SLACK] = {
        128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
        128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128};
    size_t n = slice_size(s);
    uint8_t *to = buffer_room(&r->memory, b, n);
    b->len += n;
    if (n <= SLACK && (uintptr_t)s.p - r->copy_from <= r->copy_span) {
        uint64_t words[4], mask[4];
        memcpy(words, s.p, SLACK);
        memcpy(mask, MASK + SLACK - n, SLACK);
        memcpy(to, words, SLACK);
        if (!((words[0] & mask[0]) | (words[1] & mask[1]) | (words[2] & mask[2]) | (words[3] & mask[3]))) return true;
        return utf8_valid(s.p, n) || fail_utf8(r, name);
    }
    if (n) memcpy(to, s.p, n);
    return text_valid(s) || fail_utf8(r, name);
}

#endif
