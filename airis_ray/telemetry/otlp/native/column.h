/* Columns that grow row by row, and tables of them handed to Arrow without a copy. */
#ifndef AIRIS_COLUMN_H
#define AIRIS_COLUMN_H

#include "buffer.h"

/* A layout names the columns of a table by one character each, two for lists:
   1 4 8  fixed width in bytes      b  boolean      s  string      m  map of strings      L  list of what follows */
typedef struct column {
    char kind;             /* as in the layout; '8' etc. for fixed widths */
    uint8_t width;         /* bytes of a fixed value */
    buffer offsets;        /* s m L: int32 ends of the rows, after a leading 0 */
    buffer data;           /* fixed values, booleans as bytes, string bytes */
    struct column *item;   /* L: the items */
    struct column *key;    /* m: the keys, strings */
    struct column *value;  /* m: the values, strings */
} column;

enum { MAX_COLUMNS = 32, MAX_NODES = 80 };

typedef struct {
    size_t rows;
    int width;                   /* columns */
    column *columns[MAX_COLUMNS];
    int nodes;
    column pool[MAX_NODES];
    _Atomic int references;      /* exported arrays that still point into the table */
    void *exported;
} table;

/* Arrow's C data interface. */
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/* Makes the table in `*slot`, where the caller finds it to free even if memory runs out on the way. */
void table_init(memory *m, table **slot, const char *layout);
void table_free(table *t);
/* Hands the table over: it is freed when the last of the arrays is released. False if there is no memory. */
bool table_export(table *t, struct ArrowArray *out);

/* A column that stands alone, such as the attributes of a resource; `nodes` has room for three. */
column *column_init(memory *m, column *nodes, char kind);
void column_free(column *nodes, int count);
void column_clear(column *c);

/* Cut a column to its first rows: how a bad record is taken back. */
void column_truncate(column *c, size_t rows);
/* Append the first row of `from`, `count` times. */
void column_repeat(memory *m, column *c, const column *from, size_t count);
/* Append a string, `count` times. */
void text_repeat(memory *m, column *c, slice text, size_t count);
/* Append a fixed value, `count` times. */
void fixed_repeat(memory *m, column *c, uint64_t value, size_t count);
/* Make room for `rows` more values or offsets. */
void column_reserve(memory *m, column *c, size_t rows);

static inline size_t column_rows(const column *c) {
    return c->width ? c->data.len / c->width : c->offsets.len / 4 - 1;
}

/* End a row of a string, map or list column where its contents end now. */
static inline void end_text(memory *m, column *c) { put_u32(m, &c->offsets, (uint32_t)c->data.len); }
static inline void end_map(memory *m, column *c) {
    put_u32(m, &c->offsets, (uint32_t)(c->key->offsets.len / 4 - 1));
}
static inline void end_list(memory *m, column *c) { put_u32(m, &c->offsets, (uint32_t)column_rows(c->item)); }

static inline void put_text(memory *m, column *c, const void *p, size_t n) {
    put_bytes(m, &c->data, p, n);
    end_text(m, c);
}

#endif
