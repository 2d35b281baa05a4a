#include "wire.h"

#include <stdarg.h>
#include <stdio.h>

void set_reason(reader *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->reason, sizeof r->reason, format, arguments);
    va_end(arguments);
}

bool read_varint_slow(reader *r, const uint8_t **p, const uint8_t *end, uint64_t *value) {
    uint64_t result = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (*p == end) return fail(r, "truncated");
        uint64_t byte = *(*p)++;
        result |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value = result;
            return true;
        }
    }
    return fail(r, "a varint of more than 10 bytes");
}

bool skip_group(reader *r, const uint8_t **p, const uint8_t *end, uint32_t number) {
    uint32_t opened[MAX_DEPTH] = {number};
    int depth = 1;
    while (depth) {
        field f;
        if (!read_tag(r, p, end, &f)) return false;
        if (f.kind == START_GROUP) {
            if (depth == MAX_DEPTH) return fail_deep(r);
            opened[depth++] = f.number;
        } else if (f.kind == END_GROUP) {
            if (opened[--depth] != f.number) return fail(r, "an invalid tag");
        } else {
            uint64_t size = f.kind == I64 ? 8 : f.kind == I32 ? 4 : 0;
            if ((f.kind == VARINT || f.kind == LEN) && !read_varint(r, p, end, &size)) return false;
            if (f.kind == VARINT) continue;
            if (size > (uint64_t)(end - *p)) return fail(r, "truncated");
            *p += size;
        }
    }
    return true;
}

bool utf8_valid(const uint8_t *p, size_t n) {
    const uint8_t *end = p + n;
    while (p < end) {
        uint64_t word;
        if (end - p >= 8 && (memcpy(&word, p, 8), !(word & 0x8080808080808080u))) {
            p += 8;
            continue;
        }
        uint8_t lead = *p++;
        if (lead < 0x80) continue;
        if (lead < 0xC2 || lead > 0xF4) return false;
        int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if (end - p < more) return false;
        /* Overlong forms, surrogates and what lies above U+10FFFF show in the second byte. */
        uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (*p < low || *p > high) return false;
        for (int i = 1; i < more; i++)
            if ((p[i] & 0xC0) != 0x80) return false;
        p += more;
    }
    return true;
}

bool check_packed(reader *r, slice bytes, uint32_t kind) {
    if (kind == I64) return slice_size(bytes) % 8 ? fail(r, "truncated") : true;
    uint64_t value;
    while (bytes.p < bytes.end)
        if (!read_varint(r, &bytes.p, bytes.end, &value)) return false;
    return true;
}

slice merge_field(reader *r, slice message, uint32_t number) {
    uint8_t *made = scratch(&r->memory, slice_size(message));
    slice merged = {made, made};
    field f;
    for (const uint8_t *p = message.p; p < message.end && next_field(r, &p, message.end, &f);) {
        if (f.number != number || f.kind != LEN) continue;
        memcpy(made, f.bytes.p, slice_size(f.bytes));
        made += slice_size(f.bytes);
    }
    merged.end = made;
    return merged;
}
