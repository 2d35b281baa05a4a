/* Doubles as the shortest decimal that reads back as the same double, by Raffaello Giulietti's Schubfach
   ("The Schubfach way to render doubles", 2020): one 128-bit power of ten and three multiplications. */
#include "text.h"

power powers[POWERS];

typedef struct {
    uint64_t digits;
    int exponent; /* of ten */
} decimal;

static int floor_log2_pow10(int e) { return (e * 1741647) >> 19; }
static int floor_log10_pow2(int e) { return (e * 1262611) >> 22; }
static int floor_log10_three_quarters_pow2(int e) { return (e * 1262611 - 524031) >> 22; }

__extension__ typedef unsigned __int128 wide;

/* The product's upper half, with its lowest bit set if anything below it was cut off. */
static uint64_t round_to_odd(power g, uint64_t c) {
    uint64_t below = (uint64_t)(((wide)g.low * c) >> 64);
    wide product = (wide)g.high * c + below;
    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* `fraction` and `exponent` are the fields of a finite double other than zero. */
static decimal shortest(uint64_t fraction, int exponent) {
    uint64_t c = exponent ? fraction | (uint64_t)1 << 52 : fraction;
    int q = (exponent ? exponent : 1) - 1075;
    if (exponent && q <= 0 && q > -53 && !(c & (((uint64_t)1 << -q) - 1))) return (decimal){c >> -q, 0};
    bool odd = c & 1, closer = !fraction && exponent > 1;
    int k = closer ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    power g = powers[-k - POWER_LOW];
    uint64_t lower = round_to_odd(g, (4 * c - 2 + closer) << h) + odd;
    uint64_t value = round_to_odd(g, (4 * c) << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint64_t s = value / 4;
    if (s >= 10) {
        uint64_t ten = s / 10;
        bool down = lower <= 40 * ten, up = 40 * ten + 40 <= upper;
        if (down != up) return (decimal){ten + up, k + 1};
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up) return (decimal){s + up, k};
    uint64_t middle = 4 * s + 2;
    return (decimal){s + (value > middle || (value == middle && (s & 1))), k};
}

static uint8_t *put_zeros(uint8_t *to, int n) {
    if (n > 0) memset(to, '0', (size_t)n);
    return n > 0 ? to + n : to;
}

static uint8_t *put_some(uint8_t *to, const uint8_t *digits, int n) {
    if (n > 0) memcpy(to, digits, (size_t)n);
    return n > 0 ? to + n : to;
}

/* `n` digits of which the first `point` stand before the decimal point. */
static uint8_t *put_positional(uint8_t *to, const uint8_t *digits, int n, int point) {
    if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        return put_some(put_zeros(to, -point), digits, n);
    }
    to = put_zeros(put_some(to, digits, n < point ? n : point), point - n);
    if (n > point) *to++ = '.';
    return put_some(to, digits + point, n - point);
}

static uint8_t *put_scientific(uint8_t *to, const uint8_t *digits, int n, int exponent) {
    *to++ = digits[0];
    if (n > 1) *to++ = '.';
    to = put_some(to, digits + 1, n - 1);
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    if (exponent < 0) exponent = -exponent;
    if (exponent >= 100) *to++ = (uint8_t)('0' + exponent / 100);
    if (exponent >= 10) *to++ = (uint8_t)('0' + exponent / 10 % 10);
    *to++ = (uint8_t)('0' + exponent % 10);
    return to;
}

void put_double(memory *m, buffer *b, double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7FF);
    bool negative = bits >> 63;
    if (exponent == 0x7FF) {
        put_bytes(m, b, fraction ? "NaN" : negative ? "-Inf" : "+Inf", fraction ? 3 : 4);
        return;
    }
    uint8_t *to = buffer_room(m, b, 40), *start = to;
    if (negative) *to++ = '-';
    if (!exponent && !fraction) {
        *to++ = '0';
    } else {
        decimal d = shortest(fraction, exponent);
        for (; d.digits % 10 == 0; d.exponent++) d.digits /= 10;
        uint8_t digits[20];
        int at = 20;
        for (; d.digits; d.digits /= 10) digits[--at] = (uint8_t)('0' + d.digits % 10);
        int n = 20 - at, point = n + d.exponent;
        to = point <= -6 || point > 21 ? put_scientific(to, digits + at, n, point - 1)
                                       : put_positional(to, digits + at, n, point);
    }
    b->len += (size_t)(to - start);
}
