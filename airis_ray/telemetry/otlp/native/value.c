#include "value.h"

#include <stdlib.h>

#include "text.h"

/* Field numbers of AnyValue; they are also the kinds of a value, 0 being none. */
enum { STRING = 1, BOOL = 2, INT = 3, DOUBLE = 4, ARRAY = 5, MAP = 6, BYTES = 7, STRING_INDEX = 8 };

static const char *const NAMES[] = {
    NULL, "string_value", "bool_value", "int_value", "double_value", "array_value", "kvlist_value", "bytes_value",
    "string_value_strindex"};

typedef struct {
    uint32_t kind;
    uint64_t number;
    slice bytes;
} any_value;

static bool put_array(reader *r, buffer *out, slice list, int depth);
static bool put_map(reader *r, buffer *out, slice list, int depth);

/* Write what a value holds and take it back: what another member of the oneof replaces must be valid as well. */
static bool check_replaced(reader *r, buffer *out, any_value v, int depth) {
    size_t before = out->len;
    bool good = v.kind == ARRAY ? put_array(r, out, v.bytes, depth) : put_map(r, out, v.bytes, depth);
    out->len = before;
    return good;
}

static bool read_value(reader *r, buffer *out, slice message, int depth, any_value *v) {
    static const uint32_t KINDS[] = {0, LEN, VARINT, VARINT, I64, LEN, LEN, LEN, VARINT};
    *v = (any_value){0};
    slice run = {message.p, message.p}; /* the fields that set what is set now */
    bool merge = false;
    if (depth > MAX_DEPTH) return fail_deep(r);
    for (const uint8_t *p = message.p; p < message.end;) {
        const uint8_t *start = p;
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        if (f.number > STRING_INDEX) continue;
        EXPECT(KINDS[f.number], NAMES[f.number]);
        if (f.number == STRING && !text_valid(f.bytes)) return fail_utf8(r, NAMES[STRING]);
        if (v->kind == ARRAY || v->kind == MAP) {
            if (v->kind == f.number) {
                run.end = p;
                merge = true;
                continue;
            }
            if (merge) v->bytes = merge_field(r, run, v->kind);
            if (!check_replaced(r, out, *v, depth)) return false;
            merge = false;
        }
        run = (slice){start, p};
        *v = (any_value){f.number, f.value, f.bytes};
    }
    if (merge) v->bytes = merge_field(r, run, v->kind);
    return true;
}

static void put_number(reader *r, buffer *out, const any_value *v) {
    memory *m = &r->memory;
    if (v->kind == BOOL)
        put_bytes(m, out, v->number ? "true" : "false", v->number ? 4 : 5);
    else if (v->kind == INT)
        put_int(m, out, (int64_t)v->number);
    else
        put_double(m, out, as_double(v->number));
}

static bool put_json(reader *r, buffer *out, slice message, int depth) {
    memory *m = &r->memory;
    any_value v;
    if (!read_value(r, out, message, depth, &v)) return false;
    bool quoted = v.kind == BYTES || (v.kind == DOUBLE && (v.number >> 52 & 0x7FF) == 0x7FF);
    switch (v.kind) {
    case STRING: put_json_string(m, out, v.bytes); return true;
    case ARRAY: return put_array(r, out, v.bytes, depth);
    case MAP: return put_map(r, out, v.bytes, depth);
    case BOOL: case INT: case DOUBLE: case BYTES: break;
    default: put_bytes(m, out, "null", 4); return true;
    }
    if (quoted) put_byte(m, out, '"');
    if (v.kind == BYTES)
        put_base64(m, out, v.bytes);
    else
        put_number(r, out, &v);
    if (quoted) put_byte(m, out, '"');
    return true;
}

static bool put_array(reader *r, buffer *out, slice list, int depth) {
    memory *m = &r->memory;
    uint8_t before = '[';
    for (const uint8_t *p = list.p; p < list.end;) {
        field f;
        if (!next_field(r, &p, list.end, &f)) return false;
        if (f.number != 1) continue;
        EXPECT(LEN, "values");
        put_byte(m, out, before);
        before = ',';
        if (!put_json(r, out, f.bytes, depth + 1)) return false;
    }
    if (before == '[') put_byte(m, out, before);
    put_byte(m, out, ']');
    return true;
}

typedef struct {
    slice key, value;
    size_t at;
} entry;

/* Sorted by key, in the bytes' order; of equal keys the later stays behind the earlier. */
static int compare(const void *left, const void *right) {
    const entry *a = left, *b = right;
    size_t m = slice_size(a->key), n = slice_size(b->key);
    int order = m && n ? memcmp(a->key.p, b->key.p, m < n ? m : n) : 0;
    if (order) return order;
    if (m != n) return m < n ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static bool same_key(const entry *a, const entry *b) {
    size_t n = slice_size(a->key);
    return n == slice_size(b->key) && (!n || !memcmp(a->key.p, b->key.p, n));
}

static bool read_pair(reader *r, slice message, slice *key, slice *value) {
    int values = 0;
    *key = *value = (slice){message.end, message.end};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: TAKE_TEXT(*key, "key"); break;
        case 2:
            EXPECT(LEN, "value");
            *value = f.bytes;
            values += values < 2;
            break;
        case 3: EXPECT(VARINT, "key_strindex"); break;
        }
    }
    if (values > 1) *value = merge_field(r, message, 2);
    return true;
}

/* Two passes: how many entries there are, then their slices. */
static bool read_entries(reader *r, slice list, entry **entries, size_t *count) {
    size_t n = 0;
    for (const uint8_t *p = list.p; p < list.end;) {
        field f;
        if (!next_field(r, &p, list.end, &f)) return false;
        if (f.number != 1) continue;
        EXPECT(LEN, "values");
        n++;
    }
    entry *made = scratch(&r->memory, n * sizeof *made);
    *entries = made;
    *count = n;
    n = 0;
    for (const uint8_t *p = list.p; p < list.end;) {
        field f;
        if (!next_field(r, &p, list.end, &f)) return false;
        if (f.number != 1) continue;
        made[n].at = n;
        if (!read_pair(r, f.bytes, &made[n].key, &made[n].value)) return false;
        n++;
    }
    return true;
}

static bool put_map(reader *r, buffer *out, slice list, int depth) {
    memory *m = &r->memory;
    entry *entries;
    size_t n;
    if (!read_entries(r, list, &entries, &n)) return false;
    if (n > 1) qsort(entries, n, sizeof *entries, compare);
    uint8_t before = '{';
    for (size_t i = 0; i < n; i++) {
        size_t start = out->len;
        put_byte(m, out, before);
        put_json_string(m, out, entries[i].key);
        put_byte(m, out, ':');
        if (!put_json(r, out, entries[i].value, depth + 1)) return false;
        if (i + 1 < n && same_key(&entries[i], &entries[i + 1]))
            out->len = start; /* the last of equal keys counts */
        else
            before = ',';
    }
    if (before == '{') put_byte(m, out, before);
    put_byte(m, out, '}');
    return true;
}

bool value_text(reader *r, buffer *out, slice message) {
    size_t n = slice_size(message);
    /* Nearly every value is one short string. */
    if (n >= 2 && message.p[0] == (STRING << 3 | LEN) && message.p[1] == n - 2 && n - 2 < 0x80)
        return put_checked(r, out, (slice){message.p + 2, message.end}, NAMES[STRING]);
    any_value v;
    if (!read_value(r, out, message, 1, &v)) return false;
    switch (v.kind) {
    case STRING: put_bytes(&r->memory, out, v.bytes.p, slice_size(v.bytes)); return true;
    case BYTES: put_base64(&r->memory, out, v.bytes); return true;
    case ARRAY: return put_array(r, out, v.bytes, 1);
    case MAP: return put_map(r, out, v.bytes, 1);
    case BOOL: case INT: case DOUBLE: put_number(r, out, &v); return true;
    default: return true;
    }
}

bool put_attribute(reader *r, column *map, slice message) {
    const uint8_t *p = message.p;
    size_t n = slice_size(message);
    slice key, value;
    /* Nearly every attribute is a short key and a short value, in this order. */
    if (n >= 4 && p[0] == (1 << 3 | LEN) && p[1] < 0x80 && n >= 4 + (size_t)p[1] && p[2 + p[1]] == (2 << 3 | LEN) &&
        p[3 + p[1]] < 0x80 && n == 4 + (size_t)p[1] + p[3 + p[1]]) {
        key = (slice){p + 2, p + 2 + p[1]};
        value = (slice){key.end + 2, message.end};
    } else if (!read_pair(r, message, &key, &value)) {
        return false;
    }
    if (!put_checked(r, &map->key->data, key, "key")) return false;
    if (!value_text(r, &map->value->data, value)) return false;
    end_text(&r->memory, map->key);
    end_text(&r->memory, map->value);
    return true;
}
