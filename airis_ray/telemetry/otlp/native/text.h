/* Values as text: numbers, base64, hexadecimal ids, JSON strings. */
#ifndef AIRIS_TEXT_H
#define AIRIS_TEXT_H

#include "buffer.h"

void put_int(memory *m, buffer *b, int64_t value);
/* As Go's encoding/json: shortest digits, positional from 1e-6 up to 1e21. Not finite: NaN +Inf -Inf. */
void put_double(memory *m, buffer *b, double value);
void put_base64(memory *m, buffer *b, slice bytes);
/* Lower-case digits, two a byte. */
void put_hex(memory *m, buffer *b, slice bytes);
/* A JSON string in its quotes, escaped as Go's encoding/json does, HTML's characters included. */
void put_json_string(memory *m, buffer *b, slice text);

/* The powers 10^-292 … 10^324, 128 bits each, as high and low halves; set once, before any decoding. */
enum { POWER_LOW = -292, POWERS = 617 };
typedef struct {
    uint64_t high, low;
} power;
extern power powers[POWERS];

#endif
