#include "column.h"

#include <stdlib.h>

static column *node(memory *m, column *c, char kind) {
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->width = kind == 'b' ? 1 : kind >= '1' && kind <= '8' ? (uint8_t)(kind - '0') : 0;
    if (!c->width) put_u32(m, &c->offsets, 0);
    return c;
}

static column *add(memory *m, table *t, const char **layout) {
    char kind = *(*layout)++;
    column *c = node(m, &t->pool[t->nodes++], kind);
    if (kind == 'L') c->item = add(m, t, layout);
    if (kind == 'm') {
        c->key = node(m, &t->pool[t->nodes++], 's');
        c->value = node(m, &t->pool[t->nodes++], 's');
    }
    return c;
}

void table_init(memory *m, table **slot, const char *layout) {
    table *t = *slot = calloc(1, sizeof *t);
    if (!t) longjmp(m->escape, ESCAPE_NO_MEMORY);
    while (*layout) t->columns[t->width++] = add(m, t, &layout);
}

void column_free(column *nodes, int count) {
    for (int i = 0; i < count; i++) {
        buffer_free(&nodes[i].offsets);
        buffer_free(&nodes[i].data);
    }
}

void table_free(table *t) {
    if (!t) return;
    column_free(t->pool, t->nodes);
    free(t->exported);
    free(t);
}

column *column_init(memory *m, column *nodes, char kind) {
    column *c = node(m, nodes, kind);
    if (kind == 'm') {
        c->key = node(m, nodes + 1, 's');
        c->value = node(m, nodes + 2, 's');
    }
    return c;
}

void column_clear(column *c) { column_truncate(c, 0); }

void column_truncate(column *c, size_t rows) {
    if (c->width) {
        c->data.len = rows * c->width;
        return;
    }
    uint32_t end;
    memcpy(&end, c->offsets.p + 4 * rows, 4);
    c->offsets.len = 4 * (rows + 1);
    if (c->kind == 's') c->data.len = end;
    if (c->kind == 'L') column_truncate(c->item, end);
    if (c->kind == 'm') {
        column_truncate(c->key, end);
        column_truncate(c->value, end);
    }
}

void column_reserve(memory *m, column *c, size_t rows) {
    buffer_room(m, c->width ? &c->data : &c->offsets, rows * (c->width ? c->width : 4));
}

/* The same bytes `count` times: each copy doubles what is there. */
static void bytes_repeat(memory *m, buffer *b, const void *p, size_t n, size_t count) {
    if (!n || !count) return;
    if (n > SIZE_MAX / count) longjmp(m->escape, ESCAPE_TOO_LARGE);
    uint8_t *to = buffer_room(m, b, n * count);
    size_t total = n * count, done = n;
    memcpy(to, p, n);
    while (done < total) {
        size_t step = done < total - done ? done : total - done;
        memcpy(to + done, to, step);
        done += step;
    }
    b->len += total;
}

/* Ends of `count` copies of the rows of a string column that ends now at `base`. */
static void ends_repeat(memory *m, buffer *b, const buffer *from, uint32_t base, uint32_t size, size_t count) {
    size_t rows = from->len / 4 - 1;
    uint8_t *to = buffer_room(m, b, 4 * rows * count);
    const uint8_t *ends = from->p + 4;
    for (size_t k = 0; k < count; k++, base += size) {
        for (size_t i = 0; i < rows; i++) {
            uint32_t end;
            memcpy(&end, ends + 4 * i, 4);
            end += base;
            memcpy(to + 4 * (k * rows + i), &end, 4);
        }
    }
    b->len += 4 * rows * count;
}

static void strings_repeat(memory *m, column *c, const column *from, size_t count) {
    size_t base = c->data.len;
    bytes_repeat(m, &c->data, from->data.p, from->data.len, count);
    ends_repeat(m, &c->offsets, &from->offsets, (uint32_t)base, (uint32_t)from->data.len, count);
}

void column_repeat(memory *m, column *c, const column *from, size_t count) {
    if (c->kind == 's') {
        strings_repeat(m, c, from, count);
        return;
    }
    size_t entries = column_rows(from->key), base = column_rows(c->key);
    strings_repeat(m, c->key, from->key, count);
    strings_repeat(m, c->value, from->value, count);
    column_reserve(m, c, count);
    for (size_t k = 1; k <= count; k++) put_u32(m, &c->offsets, (uint32_t)(base + k * entries));
}

void text_repeat(memory *m, column *c, slice text, size_t count) {
    size_t n = slice_size(text), base = c->data.len;
    bytes_repeat(m, &c->data, text.p, n, count);
    column_reserve(m, c, count);
    for (size_t k = 1; k <= count; k++) put_u32(m, &c->offsets, (uint32_t)(base + k * n));
}

void fixed_repeat(memory *m, column *c, uint64_t value, size_t count) {
    bytes_repeat(m, &c->data, &value, c->width, count); /* little-endian: the low bytes come first */
}

/* Export: one node of the interface for each column, and one for the entries of each map. */

typedef struct {
    struct ArrowArray arrays[2 * MAX_NODES];
    struct ArrowArray *children[2 * MAX_NODES];
    const void *buffers[3 * 2 * MAX_NODES];
    int array, child, buffer;
} exports;

static void release(struct ArrowArray *a) {
    for (int64_t i = 0; i < a->n_children; i++) {
        struct ArrowArray *child = a->children[i];
        if (child->release) child->release(child);
    }
    a->release = NULL;
    table *t = a->private_data;
    if (--t->references == 0) table_free(t);
}

static struct ArrowArray *export_node(table *t, size_t length, int buffers, int children) {
    exports *e = t->exported;
    struct ArrowArray *a = &e->arrays[e->array++];
    a->length = (int64_t)length;
    a->n_buffers = buffers;
    a->n_children = children;
    a->buffers = &e->buffers[e->buffer];
    a->children = children ? &e->children[e->child] : NULL;
    a->release = release;
    a->private_data = t;
    e->buffer += buffers;
    e->child += children;
    t->references++;
    return a;
}

static void pack_bits(column *c, size_t rows) {
    for (size_t i = 0; i < (rows + 7) / 8; i++) {
        uint8_t bits = 0;
        for (size_t k = 8 * i; k < rows && k < 8 * i + 8; k++) bits |= (uint8_t)(c->data.p[k] << (k & 7));
        c->data.p[i] = bits;
    }
}

static struct ArrowArray *export_column(table *t, column *c) {
    /* A buffer without bytes still needs an address. */
    static const uint64_t nothing = 0;
    size_t rows = column_rows(c);
    const void *data = c->data.p ? c->data.p : (const void *)&nothing;
    if (c->width) {
        if (c->kind == 'b') pack_bits(c, rows);
        struct ArrowArray *a = export_node(t, rows, 2, 0);
        a->buffers[1] = data;
        return a;
    }
    struct ArrowArray *a = export_node(t, rows, c->kind == 's' ? 3 : 2, c->kind == 's' ? 0 : 1);
    a->buffers[1] = c->offsets.p;
    if (c->kind == 's') a->buffers[2] = data;
    if (c->kind == 'L') a->children[0] = export_column(t, c->item);
    if (c->kind == 'm') {
        struct ArrowArray *entries = export_node(t, column_rows(c->key), 1, 2);
        a->children[0] = entries;
        entries->children[0] = export_column(t, c->key);
        entries->children[1] = export_column(t, c->value);
    }
    return a;
}

bool table_export(table *t, struct ArrowArray *out) {
    t->exported = calloc(1, sizeof(exports));
    if (!t->exported) return false;
    struct ArrowArray *root = export_node(t, t->rows, 1, t->width);
    for (int i = 0; i < t->width; i++) root->children[i] = export_column(t, t->columns[i]);
    *out = *root;
    return true;
}
