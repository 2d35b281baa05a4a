#include "text.h"

static const char PAIRS[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

void put_int(memory *m, buffer *b, int64_t value) {
    char digits[20];
    int at = 20;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; rest >= 100; rest /= 100) memcpy(digits + (at -= 2), PAIRS + 2 * (rest % 100), 2);
    if (rest >= 10)
        memcpy(digits + (at -= 2), PAIRS + 2 * rest, 2);
    else
        digits[--at] = (char)('0' + rest);
    uint8_t *to = buffer_room(m, b, 21);
    size_t n = (size_t)(20 - at), sign = value < 0;
    if (sign) *to = '-';
    memcpy(to + sign, digits + at, n);
    b->len += n + sign;
}

void put_base64(memory *m, buffer *b, slice bytes) {
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = slice_size(bytes);
    uint8_t *to = buffer_room(m, b, (n + 2) / 3 * 4);
    for (size_t i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t)bytes.p[i] << 16;
        if (i + 1 < n) three |= (uint32_t)bytes.p[i + 1] << 8;
        if (i + 2 < n) three |= bytes.p[i + 2];
        *to++ = (uint8_t)ALPHABET[three >> 18];
        *to++ = (uint8_t)ALPHABET[three >> 12 & 63];
        *to++ = (uint8_t)(i + 1 < n ? ALPHABET[three >> 6 & 63] : '=');
        *to++ = (uint8_t)(i + 2 < n ? ALPHABET[three & 63] : '=');
    }
    b->len += (n + 2) / 3 * 4;
}

void put_hex(memory *m, buffer *b, slice bytes) {
    /* Eight digits at a time: the halves of four bytes spread over a word, then turned into characters. */
    uint8_t *to = buffer_room(m, b, 2 * slice_size(bytes));
    for (const uint8_t *p = bytes.p; p + 4 <= bytes.end; p += 4, to += 8) {
        uint32_t four;
        memcpy(&four, p, 4);
        uint64_t x = four;
        x = (x | x << 16) & 0x0000FFFF0000FFFFu;
        x = (x | x << 8) & 0x00FF00FF00FF00FFu;
        x = (x >> 4 & 0x000F000F000F000Fu) | (x & 0x000F000F000F000Fu) << 8;
        uint64_t letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
        x += 0x3030303030303030u + letters * ('a' - '0' - 10);
        memcpy(to, &x, 8);
    }
    b->len += 2 * slice_size(bytes);
}

/* What a byte becomes in a JSON string: 0 itself, 1 \u00XX, 2 perhaps U+2028 or U+2029, else \ and the character. */
static uint8_t json_escape(uint8_t byte) {
    switch (byte) {
    case '"': case '\\': return byte;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '<': case '>': case '&': return 1;
    case 0xE2: return 2;
    default: return byte < 0x20;
    }
}

void put_json_string(memory *m, buffer *b, slice text) {
    static const char HEX[] = "0123456789abcdef";
    put_byte(m, b, '"');
    const uint8_t *done = text.p;
    for (const uint8_t *p = text.p; p < text.end; p++) {
        uint8_t escape = json_escape(*p);
        if (!escape) continue;
        uint8_t out[6] = {'\\', escape};
        size_t n = 2, taken = 1;
        if (escape == 1) {
            memcpy(out, "\\u00", 4);
            out[4] = (uint8_t)HEX[*p >> 4];
            out[5] = (uint8_t)HEX[*p & 15];
            n = 6;
        } else if (escape == 2) {
            if (text.end - p < 3 || p[1] != 0x80 || (p[2] & 0xFE) != 0xA8) continue;
            memcpy(out, p[2] & 1 ? "\\u2029" : "\\u2028", 6);
            n = 6;
            taken = 3;
        }
        put_bytes(m, b, done, (size_t)(p - done));
        put_bytes(m, b, out, n);
        p += taken - 1;
        done = p + 1;
    }
    put_bytes(m, b, done, (size_t)(text.end - done));
    put_byte(m, b, '"');
}
