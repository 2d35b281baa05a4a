/* OTLP/JSON to OTLP in protobuf, for documents without anything unusual in them. */
#ifndef AIRIS_JSON_H
#define AIRIS_JSON_H

#include "buffer.h"

enum { MAX_MESSAGES = 48, MAX_NAMES = 64, NAME_SLOTS = 128, MAX_JSON_DEPTH = 128 };

/* How the value of a field is written; the numbers are those of protobuf's field types. */
enum {
    JSON_DOUBLE = 1, JSON_INT64 = 3, JSON_UINT64 = 4, JSON_INT32 = 5, JSON_FIXED64 = 6, JSON_FIXED32 = 7, JSON_BOOL = 8,
    JSON_STRING = 9, JSON_MESSAGE = 11, JSON_BYTES = 12, JSON_UINT32 = 13, JSON_SFIXED64 = 16, JSON_SINT32 = 17,
    JSON_HEX = 100
};

typedef struct {
    char name[40];
    uint8_t size, kind, message; /* of the name; how it is written; which message */
    bool repeated;
    uint16_t number;
} json_field;

/* A type of message; every field is there once by each of its names, next to each other. */
typedef struct {
    json_field fields[MAX_NAMES];
    uint8_t slots[NAME_SLOTS]; /* by hash: 1 + the index of a field, 0 for none */
    int count;
    bool nests;                /* counts towards the depth of values */
} json_message;

extern json_message json_messages[MAX_MESSAGES];

/* Adds a name to a message; false where it does not fit. */
bool json_add(json_message *m, const char *name, int number, int kind, bool repeated, int message);

/* Appends the request to `out`. False for whatever is wrong or merely rare (names of enums, fields twice, escapes in
   names): the caller then takes the careful way. Escapes through `m` without memory. */
bool json_encode(memory *m, int message, slice document, buffer *out);

#endif
