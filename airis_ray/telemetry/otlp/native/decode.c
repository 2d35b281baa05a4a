#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW_BYTES = 256 }; /* what a row counts against the bound, besides what it repeats of resource and scope */

static const char *const LEVELS[3][3] = {
    {"resourceLogs", "scopeLogs", "logRecords"},
    {"resourceSpans", "scopeSpans", "spans"},
    {"resourceMetrics", "scopeMetrics", "metrics"},
};

void reject(decoder *d, uint64_t count, const char *pointer, ...) {
    d->rejected += count;
    if (d->reason_count == MAX_REASONS) return;
    rejection *made = &d->reasons[d->reason_count++];
    va_list arguments;
    va_start(arguments, pointer);
    vsnprintf(made->pointer, sizeof made->pointer, pointer, arguments);
    va_end(arguments);
    memcpy(made->reason, d->reader.reason, sizeof made->reason);
}

void spend(decoder *d, uint64_t rows, uint64_t cost) {
    if (rows && cost > d->room / rows) longjmp(d->reader.memory.escape, ESCAPE_TOO_LARGE);
    d->room -= rows * cost;
    d->accepted += rows;
}

table *table_at(decoder *d, int index, const char *layout) {
    if (!d->tables[index]) table_init(&d->reader.memory, &d->tables[index], layout);
    return d->tables[index];
}

bool add_record(decoder *d, table *t, append_row *row, slice record) {
    bool good = row(&d->reader, t, record, d->received_ns);
    if (d->reader.memory.blocks) scratch_free(&d->reader.memory);
    if (good) {
        t->rows++;
        return true;
    }
    /* Columns that the records share are filled later, so they may have fewer rows. */
    for (int i = 0; i < t->width; i++)
        if (column_rows(t->columns[i]) >= t->rows) column_truncate(t->columns[i], t->rows);
    return false;
}

/* A message with an owner (resource or scope; field 1), items (2) and the address of a schema (3). */
typedef struct {
    slice message, url;
    uint64_t items;
} level;

static bool read_level(reader *r, slice message, const char *owner, const char *items, level *l) {
    *l = (level){.message = message};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(LEN, owner); break;
        case 2: EXPECT(LEN, items); l->items++; break;
        case 3: EXPECT(LEN, "schema_url"); l->url = f.bytes; break;
        }
    }
    return true;
}

/* The next field `number` of a message that has been read once without fault. */
static bool next_part(reader *r, slice *rest, uint32_t number, slice *part) {
    while (rest->p < rest->end) {
        field f;
        if (!next_field(r, &rest->p, rest->end, &f)) return false;
        *part = f.bytes;
        if (f.number == number) return true;
    }
    return false;
}

static bool check_url(reader *r, slice url) { return text_valid(url) || fail_utf8(r, "schema_url"); }

static bool same(const column *c, size_t row, const char *text) {
    uint32_t ends[2];
    memcpy(ends, c->offsets.p + 4 * row, sizeof ends);
    size_t n = strlen(text);
    return ends[1] - ends[0] == n && !memcmp(c->data.p + ends[0], text, n);
}

static slice text_at(const column *c, size_t row) {
    uint32_t ends[2];
    memcpy(ends, c->offsets.p + 4 * row, sizeof ends);
    return (slice){c->data.p + ends[0], c->data.p + ends[1]};
}

/* What the entries of a map count against the bound. */
static uint64_t map_cost(const column *map) {
    return map->key->data.len + map->value->data.len + 8 * column_rows(map->key);
}

static bool read_resource(decoder *d, slice rest) {
    reader *r = &d->reader;
    column *map = d->resource, *keys = map->key;
    size_t service = SIZE_MAX;
    slice part;
    column_clear(map);
    while (next_part(r, &rest, 1, &part)) {
        for (const uint8_t *p = part.p; p < part.end;) {
            field f;
            if (!next_field(r, &p, part.end, &f)) return false;
            if (f.number != 1) continue;
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, map, f.bytes)) return false;
            size_t row = column_rows(keys) - 1;
            if (same(keys, row, "airis.tenant")) {
                column_truncate(keys, row);
                column_truncate(map->value, row);
            } else if (service == SIZE_MAX && same(keys, row, "service.name")) {
                service = row;
            }
        }
    }
    put_text(&r->memory, keys, "airis.tenant", 12);
    put_text(&r->memory, map->value, d->tenant.p, slice_size(d->tenant));
    end_map(&r->memory, map);
    d->service = service == SIZE_MAX ? (slice){0} : text_at(map->value, service);
    return true;
}

static bool read_scope(decoder *d, slice rest) {
    reader *r = &d->reader;
    slice part;
    column_clear(d->scope);
    d->scope_name = d->scope_version = (slice){0};
    d->scope_dropped = 0;
    while (next_part(r, &rest, 1, &part)) {
        for (const uint8_t *p = part.p; p < part.end;) {
            field f;
            if (!next_field(r, &p, part.end, &f)) return false;
            switch (f.number) {
            case 1: TAKE_TEXT(d->scope_name, "name"); break;
            case 2: TAKE_TEXT(d->scope_version, "version"); break;
            case 3:
                EXPECT(LEN, "attributes");
                if (!put_attribute(r, d->scope, f.bytes)) return false;
                break;
            case 4: EXPECT(VARINT, "dropped_attributes_count"); d->scope_dropped = (uint32_t)f.value; break;
            }
        }
    }
    end_map(&r->memory, d->scope);
    return true;
}

/* Records (points, for metrics) of a scope that is rejected as a whole; 1 for what cannot be read. */
static uint64_t count_records(decoder *d, slice message) {
    level l;
    if (!read_level(&d->reader, message, "", "", &l)) return 1;
    if (d->signal != METRICS) return l.items;
    uint64_t count = 0;
    slice part;
    while (next_part(&d->reader, &message, 2, &part)) count += count_points(d, part);
    return count;
}

static void reject_counted(decoder *d, slice scope, uint64_t *count) {
    char reason[REASON_SIZE];
    memcpy(reason, d->reader.reason, sizeof reason);
    *count += count_records(d, scope);
    memcpy(d->reader.reason, reason, sizeof reason);
}

static void share_logs(decoder *d, table *t, size_t n) {
    memory *m = &d->reader.memory;
    column **c = t->columns;
    text_repeat(m, c[LOG_SERVICE_NAME], d->service, n);
    text_repeat(m, c[LOG_RESOURCE_URL], d->resource_url, n);
    column_repeat(m, c[LOG_RESOURCE_ATTRIBUTES], d->resource, n);
    text_repeat(m, c[LOG_SCOPE_URL], d->scope_url, n);
    text_repeat(m, c[LOG_SCOPE_NAME], d->scope_name, n);
    text_repeat(m, c[LOG_SCOPE_VERSION], d->scope_version, n);
    column_repeat(m, c[LOG_SCOPE_ATTRIBUTES], d->scope, n);
}

static void share_traces(decoder *d, table *t, size_t n) {
    memory *m = &d->reader.memory;
    column **c = t->columns;
    text_repeat(m, c[SPAN_SERVICE_NAME], d->service, n);
    column_repeat(m, c[SPAN_RESOURCE_ATTRIBUTES], d->resource, n);
    text_repeat(m, c[SPAN_SCOPE_NAME], d->scope_name, n);
    text_repeat(m, c[SPAN_SCOPE_VERSION], d->scope_version, n);
}

static void add_records(decoder *d, level l) {
    bool logs = d->signal == LOGS;
    append_row *row = logs ? log_row : span_row;
    table *t = table_at(d, 0, logs ? LOGS_LAYOUT : TRACES_LAYOUT);
    const char *const *names = LEVELS[d->signal];
    size_t before = t->rows;
    slice record;
    for (d->at[2] = 0; next_part(&d->reader, &l.message, 2, &record); d->at[2]++)
        if (!add_record(d, t, row, record))
            reject(d, 1, "/%s/%zu/%s/%zu/%s/%zu", names[0], d->at[0], names[1], d->at[1], names[2], d->at[2]);
    spend(d, t->rows - before, d->scope_cost);
    (logs ? share_logs : share_traces)(d, t, t->rows - before);
}

static void add_scope(decoder *d, slice message) {
    reader *r = &d->reader;
    const char *const *names = LEVELS[d->signal];
    level l;
    if (!read_level(r, message, "scope", names[2], &l)) {
        reject(d, 1, "/%s/%zu/%s/%zu", names[0], d->at[0], names[1], d->at[1]);
        return;
    }
    bool good = read_scope(d, message);
    const char *part = good ? "schemaUrl" : "scope";
    good = good && check_url(r, l.url);
    scratch_free(&r->memory);
    if (!good) {
        uint64_t count = 0;
        reject_counted(d, message, &count);
        reject(d, count, "/%s/%zu/%s/%zu/%s", names[0], d->at[0], names[1], d->at[1], part);
        return;
    }
    d->scope_url = l.url;
    d->scope_cost = d->resource_cost + map_cost(d->scope) + slice_size(d->scope_name) +
                    slice_size(d->scope_version) + slice_size(d->scope_url);
    if (d->signal != METRICS) {
        add_records(d, l);
        return;
    }
    slice metric;
    for (d->at[2] = 0; next_part(r, &l.message, 2, &metric); d->at[2]++) add_metric(d, metric);
}

static void add_resource(decoder *d, slice message) {
    reader *r = &d->reader;
    const char *const *names = LEVELS[d->signal];
    level l;
    if (!read_level(r, message, "resource", names[1], &l)) {
        reject(d, 1, "/%s/%zu", names[0], d->at[0]);
        return;
    }
    bool good = read_resource(d, message);
    const char *part = good ? "schemaUrl" : "resource";
    good = good && check_url(r, l.url);
    scratch_free(&r->memory);
    slice scope;
    if (!good) {
        uint64_t count = 0;
        while (next_part(r, &message, 2, &scope)) reject_counted(d, scope, &count);
        reject(d, count, "/%s/%zu/%s", names[0], d->at[0], part);
        return;
    }
    d->resource_url = l.url;
    d->resource_cost = ROW_BYTES + map_cost(d->resource) + slice_size(d->service) + slice_size(d->resource_url);
    for (d->at[1] = 0; next_part(r, &message, 2, &scope); d->at[1]++) add_scope(d, scope);
}

static bool read_request(decoder *d, slice payload) {
    reader *r = &d->reader;
    d->at[0] = 0;
    for (const uint8_t *p = payload.p; p < payload.end;) {
        d->position = (size_t)(p - payload.p);
        field f;
        if (!next_field(r, &p, payload.end, &f)) return false;
        if (f.number != 1) continue;
        EXPECT(LEN, LEVELS[d->signal][0]);
        add_resource(d, f.bytes);
        d->at[0]++;
    }
    return true;
}

outcome decode_payload(decoder *d, slice payload) {
    memory *m = &d->reader.memory;
    int escaped = setjmp(m->escape);
    if (escaped) return (outcome)escaped;
    bool copies = slice_size(payload) >= SLACK;
    d->reader.copy_from = copies ? (uintptr_t)payload.p : UINTPTR_MAX;
    d->reader.copy_span = copies ? slice_size(payload) - SLACK : 0;
    column_init(m, d->resource, 'm');
    column_init(m, d->scope, 'm');
    return read_request(d, payload) ? DECODED : UNREADABLE;
}

void decoder_free(decoder *d) {
    scratch_free(&d->reader.memory);
    column_free(d->resource, 3);
    column_free(d->scope, 3);
    for (int i = 0; i < MAX_TABLES; i++) table_free(d->tables[i]);
}
