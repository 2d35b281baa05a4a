/* Protobuf's wire format: every read is checked against the end of its message. */
#ifndef AIRIS_WIRE_H
#define AIRIS_WIRE_H

#include "buffer.h"

enum { VARINT = 0, I64 = 1, LEN = 2, START_GROUP = 3, END_GROUP = 4, I32 = 5 };
enum { MAX_DEPTH = 32, REASON_SIZE = 128 };

typedef struct {
    memory memory;
    /* SLACK bytes may be read from any place of the payload this far from its start. */
    uintptr_t copy_from, copy_span;
    char reason[REASON_SIZE]; /* why the message at hand cannot be accepted */
} reader;

typedef struct {
    uint32_t number, kind;
    uint64_t value; /* VARINT I64 I32 */
    slice bytes;    /* LEN */
} field;

/* Say why the message at hand cannot be accepted. The macros are false, to be returned. */
void set_reason(reader *r, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));
#define fail(...) (set_reason(__VA_ARGS__), false)
#define fail_kind(r, name, kind, expected) fail(r, "%s: wire type %u instead of %u", name, kind, (unsigned)(expected))
#define fail_utf8(r, name) fail(r, "%s: not valid UTF-8", name)
#define fail_deep(r) fail(r, "nested deeper than %d", MAX_DEPTH)

bool read_varint_slow(reader *r, const uint8_t **p, const uint8_t *end, uint64_t *value);
bool skip_group(reader *r, const uint8_t **p, const uint8_t *end, uint32_t number);
bool utf8_valid(const uint8_t *p, size_t n);
bool check_packed(reader *r, slice bytes, uint32_t kind);
/* All the occurrences of a message field in `message`, one behind the other: protobuf's way of merging them. */
slice merge_field(reader *r, slice message, uint32_t number);

static inline bool read_varint(reader *r, const uint8_t **p, const uint8_t *end, uint64_t *value) {
    if (__builtin_expect(*p < end && **p < 0x80, 1)) {
        *value = *(*p)++;
        return true;
    }
    return read_varint_slow(r, p, end, value);
}

static inline bool read_tag(reader *r, const uint8_t **p, const uint8_t *end, field *f) {
    uint64_t tag;
    if (!read_varint(r, p, end, &tag)) return false;
    f->kind = tag & 7;
    f->number = (uint32_t)(tag >> 3);
    if (__builtin_expect(tag < 8 || tag >> 32 || f->kind > I32, 0)) return fail(r, "an invalid tag");
    return true;
}

/* The next field of a message (*p < end); groups are read over and come back as their start. */
static inline bool next_field(reader *r, const uint8_t **p, const uint8_t *end, field *f) {
    f->bytes = (slice){0};
    if (!read_tag(r, p, end, f)) return false;
    if (f->kind == VARINT) return read_varint(r, p, end, &f->value);
    if (f->kind == START_GROUP) return skip_group(r, p, end, f->number);
    if (f->kind == END_GROUP) return fail(r, "an invalid tag");
    uint64_t size = f->kind == I64 ? 8 : 4;
    if (f->kind == LEN && !read_varint(r, p, end, &size)) return false;
    if (__builtin_expect(size > (uint64_t)(end - *p), 0)) return fail(r, "truncated");
    f->bytes = (slice){*p, *p + size};
    *p += size;
    if (f->kind == I64) memcpy(&f->value, f->bytes.p, 8);
    if (f->kind == I32) {
        uint32_t value;
        memcpy(&value, f->bytes.p, 4);
        f->value = value;
    }
    return true;
}

static inline bool ascii(const uint8_t *p, size_t n) {
    uint64_t any = 0, word;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        any |= word;
    }
    for (; i < n; i++) any |= (uint64_t)p[i];
    return !(any & 0x8080808080808080u);
}

static inline bool text_valid(slice s) {
    return ascii(s.p, slice_size(s)) || utf8_valid(s.p, slice_size(s));
}

/* Inside the switch over the fields of a message: the wire type that a known field must have. */
#define EXPECT(expected, name) \
    if (f.kind != (uint32_t)(expected)) return fail_kind(r, name, f.kind, expected)
/* A string field, checked as it comes: also one that a later one replaces must be valid. */
#define TAKE_TEXT(target, name)                             \
    do {                                                    \
        EXPECT(LEN, name);                                  \
        if (!text_valid(f.bytes)) return fail_utf8(r, name); \
        (target) = f.bytes;                                 \
    } while (0)

static inline double as_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

#endif
