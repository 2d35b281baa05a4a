#include "points.h"

#include "record.h"

/* DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK */
enum { NO_RECORDED_VALUE = 1 };

/* Where the columns behind the common ones stand, per table; a table without one says 0. */
typedef struct {
    int exemplars; /* the first of five: attributes, times, values, span ids, trace ids */
    int count, sum, min, max;
} shape;

static const shape NUMBER = {.exemplars = POINT_COLUMNS + 1};
static const shape HISTOGRAM = {
    .count = POINT_COLUMNS, .sum = POINT_COLUMNS + 1, .exemplars = POINT_COLUMNS + 4, .min = POINT_COLUMNS + 9,
    .max = POINT_COLUMNS + 10};
static const shape EXPONENTIAL = {
    .count = POINT_COLUMNS, .sum = POINT_COLUMNS + 1, .exemplars = POINT_COLUMNS + 8, .min = POINT_COLUMNS + 13,
    .max = POINT_COLUMNS + 14};
static const shape SUMMARY = {.count = POINT_COLUMNS, .sum = POINT_COLUMNS + 1};

const metric_kind METRIC_KINDS[METRIC_KIND_COUNT] = {
    {5, "gauge", GAUGE_LAYOUT, number_row, 0, 0},
    {7, "sum", SUM_LAYOUT, number_row, POINT_COLUMNS + 6, POINT_COLUMNS + 7},
    {9, "histogram", HISTOGRAM_LAYOUT, histogram_row, POINT_COLUMNS + 11, 0},
    {10, "exponentialHistogram", EXPONENTIAL_LAYOUT, exponential_row, POINT_COLUMNS + 15, 0},
    {11, "summary", SUMMARY_LAYOUT, summary_row, 0, 0},
};

/* What points of several kinds have; fields have other numbers in each. */
typedef struct {
    uint64_t start, time, count;
    double sum, min, max;
    uint32_t flags;
} point;

static bool check_seconds(reader *r, const char *name, uint64_t nanos) {
    if (nanos / 1000000000 <= UINT32_MAX) return true;
    return fail(r, "%s: %llu is after the year 2106", name, (unsigned long long)nanos);
}

static bool put_point(reader *r, table *t, const shape *s, const point *v, uint64_t received_ns) {
    memory *m = &r->memory;
    column **c = t->columns;
    if (!check_seconds(r, "start_time_unix_nano", v->start)) return false;
    if (!check_seconds(r, "time_unix_nano", v->time)) return false;
    /* A start that is the point's own time is OTLP's way to say that it is not known; in whole seconds it would
       look like that of a series that began within the second. */
    put_u64(m, &c[POINT_START]->data, v->start == v->time ? 0 : v->start / 1000000000);
    put_u64(m, &c[POINT_TIME]->data, (v->time ? v->time : received_ns) / 1000000000);
    put_u32(m, &c[POINT_FLAGS]->data, v->flags);
    end_map(m, c[POINT_ATTRIBUTES]);
    if (s->count) put_u64(m, &c[s->count]->data, v->count);
    if (s->sum) put_f64(m, &c[s->sum]->data, v->sum);
    if (s->min) put_f64(m, &c[s->min]->data, v->min);
    if (s->max) put_f64(m, &c[s->max]->data, v->max);
    if (s->exemplars)
        for (int i = 0; i < 5; i++) end_list(m, c[s->exemplars + i]);
    return true;
}

static bool put_exemplar(reader *r, table *t, const shape *s, slice message) {
    memory *m = &r->memory;
    column **c = t->columns + s->exemplars;
    uint64_t time = 0;
    double value = 0;
    slice span_id = {0}, trace_id = {0};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 2: EXPECT(I64, "time_unix_nano"); time = f.value; break;
        case 3: EXPECT(I64, "as_double"); value = as_double(f.value); break;
        case 4: EXPECT(LEN, "span_id"); span_id = f.bytes; break;
        case 5: EXPECT(LEN, "trace_id"); trace_id = f.bytes; break;
        case 6: EXPECT(I64, "as_int"); value = (double)(int64_t)f.value; break;
        case 7:
            EXPECT(LEN, "filtered_attributes");
            if (!put_attribute(r, c[0]->item, f.bytes)) return false;
            break;
        }
    }
    if (!check_nanos(r, "time_unix_nano", time)) return false;
    if (!put_id(r, c[3]->item, "span_id", span_id, 8)) return false;
    if (!put_id(r, c[4]->item, "trace_id", trace_id, 16)) return false;
    put_u64(m, &c[1]->item->data, time);
    put_f64(m, &c[2]->item->data, value);
    end_map(m, c[0]->item);
    return true;
}

/* A repeated number: one value, or all of them packed. `kind` is the wire type of one. */
static bool put_numbers(reader *r, column *list, const char *name, field f, uint32_t kind) {
    memory *m = &r->memory;
    buffer *to = &list->item->data;
    if (f.kind != LEN) {
        EXPECT(kind, name);
        put_u64(m, to, f.value);
        return true;
    }
    if (!check_packed(r, f.bytes, kind)) return false;
    if (kind == I64) {
        put_bytes(m, to, f.bytes.p, slice_size(f.bytes)); /* little-endian, as Arrow has them */
        return true;
    }
    for (const uint8_t *p = f.bytes.p; p < f.bytes.end;) {
        uint64_t value;
        if (!read_varint(r, &p, f.bytes.end, &value)) return false;
        put_u64(m, to, value);
    }
    return true;
}

bool number_row(reader *r, table *t, slice message, uint64_t received_ns) {
    point v = {0};
    double value = 0;
    bool recorded = false;
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 2: EXPECT(I64, "start_time_unix_nano"); v.start = f.value; break;
        case 3: EXPECT(I64, "time_unix_nano"); v.time = f.value; break;
        case 4: EXPECT(I64, "as_double"); value = as_double(f.value); recorded = true; break;
        case 5:
            EXPECT(LEN, "exemplars");
            if (!put_exemplar(r, t, &NUMBER, f.bytes)) return false;
            break;
        case 6: EXPECT(I64, "as_int"); value = (double)(int64_t)f.value; recorded = true; break;
        case 7:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, t->columns[POINT_ATTRIBUTES], f.bytes)) return false;
            break;
        case 8: EXPECT(VARINT, "flags"); v.flags = (uint32_t)f.value; break;
        }
    }
    // Kept, and not counted as the zero that the column would show.
    if (!recorded) v.flags |= NO_RECORDED_VALUE;
    put_f64(&r->memory, &t->columns[POINT_COLUMNS]->data, value);
    return put_point(r, t, &NUMBER, &v, received_ns);
}

bool histogram_row(reader *r, table *t, slice message, uint64_t received_ns) {
    column *counts = t->columns[POINT_COLUMNS + 2], *bounds = t->columns[POINT_COLUMNS + 3];
    point v = {0};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 2: EXPECT(I64, "start_time_unix_nano"); v.start = f.value; break;
        case 3: EXPECT(I64, "time_unix_nano"); v.time = f.value; break;
        case 4: EXPECT(I64, "count"); v.count = f.value; break;
        case 5: EXPECT(I64, "sum"); v.sum = as_double(f.value); break;
        case 6: if (!put_numbers(r, counts, "bucket_counts", f, I64)) return false; break;
        case 7: if (!put_numbers(r, bounds, "explicit_bounds", f, I64)) return false; break;
        case 8:
            EXPECT(LEN, "exemplars");
            if (!put_exemplar(r, t, &HISTOGRAM, f.bytes)) return false;
            break;
        case 9:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, t->columns[POINT_ATTRIBUTES], f.bytes)) return false;
            break;
        case 10: EXPECT(VARINT, "flags"); v.flags = (uint32_t)f.value; break;
        case 11: EXPECT(I64, "min"); v.min = as_double(f.value); break;
        case 12: EXPECT(I64, "max"); v.max = as_double(f.value); break;
        }
    }
    end_list(&r->memory, counts);
    end_list(&r->memory, bounds);
    return put_point(r, t, &HISTOGRAM, &v, received_ns);
}

static int32_t zigzag(uint64_t value) {
    uint32_t bits = (uint32_t)value;
    return (int32_t)(bits >> 1 ^ (0 - (bits & 1)));
}

static bool read_buckets(reader *r, slice message, int32_t *offset, column *counts) {
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(VARINT, "offset"); *offset = zigzag(f.value); break;
        case 2: if (!put_numbers(r, counts, "bucket_counts", f, VARINT)) return false; break;
        }
    }
    return true;
}

typedef struct {
    point common;
    uint64_t zero_count;
    int32_t scale, positive, negative;
} exponential;

static bool read_exponential(reader *r, table *t, slice message, exponential *e) {
    column *positive = t->columns[POINT_COLUMNS + 5], *negative = t->columns[POINT_COLUMNS + 7];
    point *v = &e->common;
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, t->columns[POINT_ATTRIBUTES], f.bytes)) return false;
            break;
        case 2: EXPECT(I64, "start_time_unix_nano"); v->start = f.value; break;
        case 3: EXPECT(I64, "time_unix_nano"); v->time = f.value; break;
        case 4: EXPECT(I64, "count"); v->count = f.value; break;
        case 5: EXPECT(I64, "sum"); v->sum = as_double(f.value); break;
        case 6: EXPECT(VARINT, "scale"); e->scale = zigzag(f.value); break;
        case 7: EXPECT(I64, "zero_count"); e->zero_count = f.value; break;
        case 8: EXPECT(LEN, "positive"); if (!read_buckets(r, f.bytes, &e->positive, positive)) return false; break;
        case 9: EXPECT(LEN, "negative"); if (!read_buckets(r, f.bytes, &e->negative, negative)) return false; break;
        case 10: EXPECT(VARINT, "flags"); v->flags = (uint32_t)f.value; break;
        case 11:
            EXPECT(LEN, "exemplars");
            if (!put_exemplar(r, t, &EXPONENTIAL, f.bytes)) return false;
            break;
        case 12: EXPECT(I64, "min"); v->min = as_double(f.value); break;
        case 13: EXPECT(I64, "max"); v->max = as_double(f.value); break;
        case 14: EXPECT(I64, "zero_threshold"); break;
        }
    }
    return true;
}

bool exponential_row(reader *r, table *t, slice message, uint64_t received_ns) {
    memory *m = &r->memory;
    column **c = t->columns + POINT_COLUMNS;
    exponential e = {0};
    if (!read_exponential(r, t, message, &e)) return false;
    put_u32(m, &c[2]->data, (uint32_t)e.scale);
    put_u64(m, &c[3]->data, e.zero_count);
    put_u32(m, &c[4]->data, (uint32_t)e.positive);
    end_list(m, c[5]);
    put_u32(m, &c[6]->data, (uint32_t)e.negative);
    end_list(m, c[7]);
    return put_point(r, t, &EXPONENTIAL, &e.common, received_ns);
}

static bool put_quantile(reader *r, table *t, slice message) {
    double quantile = 0, value = 0;
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(I64, "quantile"); quantile = as_double(f.value); break;
        case 2: EXPECT(I64, "value"); value = as_double(f.value); break;
        }
    }
    put_f64(&r->memory, &t->columns[POINT_COLUMNS + 2]->item->data, quantile);
    put_f64(&r->memory, &t->columns[POINT_COLUMNS + 3]->item->data, value);
    return true;
}

bool summary_row(reader *r, table *t, slice message, uint64_t received_ns) {
    point v = {0};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 2: EXPECT(I64, "start_time_unix_nano"); v.start = f.value; break;
        case 3: EXPECT(I64, "time_unix_nano"); v.time = f.value; break;
        case 4: EXPECT(I64, "count"); v.count = f.value; break;
        case 5: EXPECT(I64, "sum"); v.sum = as_double(f.value); break;
        case 6: EXPECT(LEN, "quantile_values"); if (!put_quantile(r, t, f.bytes)) return false; break;
        case 7:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, t->columns[POINT_ATTRIBUTES], f.bytes)) return false;
            break;
        case 8: EXPECT(VARINT, "flags"); v.flags = (uint32_t)f.value; break;
        }
    }
    end_list(&r->memory, t->columns[POINT_COLUMNS + 2]);
    end_list(&r->memory, t->columns[POINT_COLUMNS + 3]);
    return put_point(r, t, &SUMMARY, &v, received_ns);
}
