#include "json.h"

#include <stdlib.h>

#include "wire.h"

json_message json_messages[MAX_MESSAGES];

typedef struct {
    memory *m;
    const uint8_t *p, *end;
    buffer *out;
} json;

static unsigned hash(const void *name, size_t size) {
    const uint8_t *s = name;
    return size ? (unsigned)(size * 31 + s[0] + s[size / 2] * 7u + s[size - 1] * 13u) % NAME_SLOTS : 0;
}

static const json_field *find(const json_message *m, slice name) {
    size_t size = slice_size(name);
    for (unsigned slot = hash(name.p, size); m->slots[slot]; slot = (slot + 1) % NAME_SLOTS) {
        const json_field *f = &m->fields[m->slots[slot] - 1];
        if (f->size == size && !memcmp(f->name, name.p, size)) return f;
    }
    return NULL;
}

bool json_add(json_message *m, const char *name, int number, int kind, bool repeated, int message) {
    size_t size = strlen(name);
    if (m->count == MAX_NAMES || size >= sizeof m->fields[0].name || message < 0 || message >= MAX_MESSAGES) return false;
    if (find(m, (slice){(const uint8_t *)name, (const uint8_t *)name + size})) return true;
    json_field *f = &m->fields[m->count++];
    *f = (json_field){.size = (uint8_t)size, .kind = (uint8_t)kind, .message = (uint8_t)message, .repeated = repeated,
                      .number = (uint16_t)number};
    memcpy(f->name, name, size);
    unsigned slot = hash(name, size);
    while (m->slots[slot]) slot = (slot + 1) % NAME_SLOTS;
    m->slots[slot] = (uint8_t)m->count;
    return true;
}

static int peek(json *j) {
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t')) j->p++;
    return j->p < j->end ? *j->p : -1;
}

static bool take(json *j, int expected) {
    if (peek(j) != expected) return false;
    j->p++;
    return true;
}

static bool take_word(json *j, const char *word, size_t n) {
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n)) return false;
    j->p += n;
    return true;
}

static void put_varint(json *j, uint64_t value) {
    uint8_t *to = buffer_room(j->m, j->out, 10), *start = to;
    for (; value > 0x7F; value >>= 7) *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    j->out->len += (size_t)(to - start);
}

/* Content whose length is known at its end: a byte is kept for it, and more are made where one is not enough. */
static size_t open_length(json *j) {
    put_byte(j->m, j->out, 0);
    return j->out->len;
}

static void close_length(json *j, size_t start) {
    size_t n = j->out->len - start;
    if (n > 0x7F) {
        size_t more = 0;
        for (size_t rest = n >> 7; rest; rest >>= 7) more++;
        uint8_t *end = buffer_room(j->m, j->out, more);
        (void)end;
        memmove(j->out->p + start + more, j->out->p + start, n);
        j->out->len += more;
    }
    uint8_t *to = j->out->p + start - 1;
    for (; n > 0x7F; n >>= 7) *to++ = (uint8_t)(n | 0x80);
    *to = (uint8_t)n;
}

/* Up to the next quote, backslash or control character. */
static const uint8_t *plain_end(const uint8_t *p, const uint8_t *end) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t quote = word ^ ones * '"', back = word ^ ones * '\\';
        uint64_t hits = ((quote - ones) & ~quote) | ((back - ones) & ~back) | ((word - ones * 0x20) & ~word);
        if (hits & highs) return p + (__builtin_ctzll(hits & highs) >> 3);
        p += 8;
    }
    while (p < end && *p >= 0x20 && *p != '"' && *p != '\\') p++;
    return p;
}

/* A string without escapes, where it stands in the document. */
static bool take_plain(json *j, slice *s) {
    if (!take(j, '"')) return false;
    s->p = j->p;
    s->end = j->p = plain_end(j->p, j->end);
    return j->p < j->end && *j->p++ == '"';
}

static int hex_value(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits; -1 for others. */
static int take_unit(json *j) {
    int unit = 0;
    if (j->end - j->p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*j->p++);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool put_escape_u(json *j) {
    int unit = take_unit(j);
    uint32_t c = (uint32_t)unit;
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000)) return false;
    if (unit >= 0xD800 && unit < 0xDC00) {
        if (!take_word(j, "\\u", 2)) return false;
        int low = take_unit(j);
        if (low < 0xDC00 || low >= 0xE000) return false;
        c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
    }
    uint8_t bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    bytes[0] = (uint8_t)(n == 1 ? c : c | (0xF00u >> n & 0xFF));
    put_bytes(j->m, j->out, bytes, n);
    return true;
}

static bool put_escape(json *j) {
    static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
    if (j->p == j->end) return false;
    if (*j->p == 'u') {
        j->p++;
        return put_escape_u(j);
    }
    const char *at = *j->p ? strchr(FROM, *j->p) : NULL;
    if (!at) return false;
    j->p++;
    put_byte(j->m, j->out, (uint8_t)TO[at - FROM]);
    return true;
}

static bool put_string(json *j) {
    if (!take(j, '"')) return false;
    const uint8_t *stop = plain_end(j->p, j->end);
    if (stop < j->end && *stop == '"') {
        put_varint(j, (uint64_t)(stop - j->p));
        put_bytes(j->m, j->out, j->p, (size_t)(stop - j->p));
        j->p = stop + 1;
        return true;
    }
    size_t start = open_length(j);
    for (;; stop = plain_end(j->p, j->end)) {
        put_bytes(j->m, j->out, j->p, (size_t)(stop - j->p));
        j->p = stop;
        if (j->p == j->end || *j->p < 0x20) return false;
        if (*j->p++ == '"') break;
        if (!put_escape(j)) return false;
    }
    close_length(j, start);
    return true;
}

static bool put_hex_digits(json *j) {
    slice s;
    if (!take_plain(j, &s) || slice_size(s) % 2) return false;
    put_varint(j, slice_size(s) / 2);
    uint8_t *to = buffer_room(j->m, j->out, slice_size(s) / 2);
    for (; s.p < s.end; s.p += 2) {
        int high = hex_value(s.p[0]), low = hex_value(s.p[1]);
        if (high < 0 || low < 0) return false;
        *to++ = (uint8_t)(high << 4 | low);
    }
    j->out->len = (size_t)(to - j->out->p);
    return true;
}

static int base64_value(int c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static bool put_base64_digits(json *j) {
    slice s;
    if (!take_plain(j, &s)) return false;
    while (s.p < s.end && s.end[-1] == '=') s.end--;
    size_t start = open_length(j);
    uint32_t bits = 0;
    int have = 0;
    for (; s.p < s.end; s.p++) {
        int six = base64_value(*s.p);
        if (six < 0) return false;
        bits = bits << 6 | (uint32_t)six;
        have += 6;
        if (have >= 8) put_byte(j->m, j->out, (uint8_t)(bits >> (have -= 8)));
    }
    close_length(j, start);
    return have < 6;
}

/* A whole number, in quotes or not: its magnitude and sign. */
static bool take_integer(json *j, uint64_t *magnitude, bool *negative) {
    bool quoted = peek(j) == '"';
    j->p += quoted;
    *negative = j->p < j->end && *j->p == '-';
    j->p += *negative;
    const uint8_t *start = j->p;
    uint64_t value = 0;
    for (; j->p < j->end && *j->p >= '0' && *j->p <= '9'; j->p++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *j->p - '0', &value)) return false;
    size_t digits = (size_t)(j->p - start);
    if (!digits || (*start == '0' && (digits > 1 || *negative))) return false;
    *magnitude = value;
    if (quoted) return take_word(j, "\"", 1);
    return j->p == j->end || (*j->p != '.' && (*j->p | 0x20) != 'e');
}

static bool put_signed(json *j, int kind) {
    uint64_t magnitude;
    bool negative;
    if (!take_integer(j, &magnitude, &negative)) return false;
    uint64_t limit = kind == JSON_INT64 || kind == JSON_SFIXED64 ? (uint64_t)1 << 63 : (uint64_t)1 << 31;
    if (magnitude > limit - !negative) return false;
    uint64_t value = negative ? 0 - magnitude : magnitude;
    if (kind == JSON_SFIXED64)
        put_u64(j->m, j->out, value);
    else if (kind == JSON_SINT32)
        put_varint(j, negative ? 2 * magnitude - 1 : 2 * magnitude);
    else
        put_varint(j, value);
    return true;
}

static bool put_unsigned(json *j, int kind) {
    uint64_t magnitude;
    bool negative;
    if (!take_integer(j, &magnitude, &negative) || negative) return false;
    if ((kind == JSON_UINT32 || kind == JSON_FIXED32) && magnitude > UINT32_MAX) return false;
    if (kind == JSON_FIXED64)
        put_u64(j->m, j->out, magnitude);
    else if (kind == JSON_FIXED32)
        put_u32(j->m, j->out, (uint32_t)magnitude);
    else
        put_varint(j, magnitude);
    return true;
}

static const uint8_t *digits_end(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p >= '0' && *p <= '9') p++;
    return p;
}

/* A number as JSON's grammar has it. */
static bool take_number(json *j, slice *s) {
    peek(j);
    const uint8_t *p = j->p, *end = j->end;
    s->p = p;
    if (p < end && *p == '-') p++;
    const uint8_t *whole = p;
    p = digits_end(p, end);
    if (p == whole || (*whole == '0' && p > whole + 1)) return false;
    if (p < end && *p == '.') {
        const uint8_t *fraction = p + 1;
        p = digits_end(fraction, end);
        if (p == fraction) return false;
    }
    if (p < end && (*p | 0x20) == 'e') {
        const uint8_t *power = p + 1;
        if (power < end && (*power == '+' || *power == '-')) power++;
        p = digits_end(power, end);
        if (p == power) return false;
    }
    s->end = j->p = p;
    return true;
}

/* Any finite number; a minus before a whole zero is left to the careful way. */
static bool take_double(json *j, double *value) {
    char token[64];
    slice s;
    if (!take_number(j, &s) || slice_size(s) >= sizeof token) return false;
    memcpy(token, s.p, slice_size(s));
    token[slice_size(s)] = 0;
    char *stop;
    *value = strtod(token, &stop);
    /* Not all of it is read under a locale that writes numbers otherwise. */
    return !*stop && *value - *value == 0 && strcmp(token, "-0");
}

static bool put_bool(json *j) {
    bool value = peek(j) == 't';
    if (!(value ? take_word(j, "true", 4) : take_word(j, "false", 5))) return false;
    put_byte(j->m, j->out, value);
    return true;
}

static bool skip(json *j, int depth) {
    slice s;
    double number;
    int open = peek(j);
    switch (open) {
    case '"': return take_plain(j, &s);
    case 't': return take_word(j, "true", 4);
    case 'f': return take_word(j, "false", 5);
    case 'n': return take_word(j, "null", 4);
    case '{': case '[': break;
    default: return take_double(j, &number);
    }
    j->p++;
    int close = open == '{' ? '}' : ']';
    if (depth == MAX_JSON_DEPTH) return false;
    if (take(j, close)) return true;
    do {
        if (open == '{' && !(take_plain(j, &s) && take(j, ':'))) return false;
        if (!skip(j, depth + 1)) return false;
    } while (take(j, ','));
    return take(j, close);
}

static bool put_message(json *j, int message, int depth);

static bool put_element(json *j, const json_field *f, int depth) {
    static const uint8_t WIRE[] = {[JSON_DOUBLE] = I64, [JSON_FIXED64] = I64, [JSON_SFIXED64] = I64, [JSON_FIXED32] = I32,
                                   [JSON_STRING] = LEN, [JSON_MESSAGE] = LEN, [JSON_BYTES] = LEN, [JSON_HEX] = LEN};
    put_varint(j, (uint64_t)f->number << 3 | WIRE[f->kind]);
    switch (f->kind) {
    case JSON_MESSAGE: {
        size_t start = open_length(j);
        if (!put_message(j, f->message, depth)) return false;
        close_length(j, start);
        return true;
    }
    case JSON_STRING: return put_string(j);
    case JSON_DOUBLE: {
        double value;
        if (!take_double(j, &value)) return false;
        put_f64(j->m, j->out, value);
        return true;
    }
    case JSON_BOOL: return put_bool(j);
    case JSON_BYTES: return put_base64_digits(j);
    case JSON_HEX: return put_hex_digits(j);
    case JSON_UINT64: case JSON_UINT32: case JSON_FIXED64: case JSON_FIXED32: return put_unsigned(j, f->kind);
    default: return put_signed(j, f->kind);
    }
}

static bool put_list(json *j, const json_field *f, int depth) {
    if (!take(j, '[')) return false;
    if (take(j, ']')) return true;
    do {
        if (!put_element(j, f, depth)) return false;
    } while (take(j, ','));
    return take(j, ']');
}

static bool put_message(json *j, int message, int depth) {
    const json_message *m = &json_messages[message];
    uint64_t seen = 0; /* by the number of the field */
    depth += m->nests;
    if (!take(j, '{') || depth > MAX_DEPTH) return false;
    if (take(j, '}')) return true;
    do {
        slice name;
        if (!take_plain(j, &name) || !take(j, ':')) return false;
        const json_field *f = find(m, name);
        int next = peek(j);
        if (!f) {
            if (!skip(j, 0)) return false;
            continue;
        }
        if (f->number > 63 || seen >> f->number & 1) return false;
        seen |= (uint64_t)1 << f->number;
        if (next == 'n') {
            if (!take_word(j, "null", 4)) return false;
        } else if (!(f->repeated ? put_list : put_element)(j, f, depth)) {
            return false;
        }
    } while (take(j, ','));
    return take(j, '}');
}

bool json_encode(memory *m, int message, slice document, buffer *out) {
    json j = {m, document.p, document.end, out};
    return text_valid(document) && put_message(&j, message, 0) && peek(&j) < 0;
}
