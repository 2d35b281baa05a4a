/* A metric with its points. Of several kinds set in one metric the last counts, as in every oneof. */
#include "decode.h"

typedef struct {
    slice name, description, unit;
    int kind;  /* index into METRIC_KINDS, -1 for none */
    slice run; /* the fields that make up the kind: protobuf merges them */
} header;

static bool read_metric(reader *r, slice metric, header *h) {
    *h = (header){.kind = -1};
    for (const uint8_t *p = metric.p; p < metric.end;) {
        const uint8_t *start = p;
        field f;
        if (!next_field(r, &p, metric.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(LEN, "name"); h->name = f.bytes; break;
        case 2: EXPECT(LEN, "description"); h->description = f.bytes; break;
        case 3: EXPECT(LEN, "unit"); h->unit = f.bytes; break;
        }
        for (int i = 0; i < METRIC_KIND_COUNT; i++) {
            if (METRIC_KINDS[i].field != f.number) continue;
            EXPECT(LEN, METRIC_KINDS[i].name);
            if (h->kind != i) h->run.p = start;
            h->run.end = p;
            h->kind = i;
        }
    }
    return true;
}

/* What is told of all the points of a metric. */
typedef struct {
    uint64_t count;
    int32_t temporality;
    bool monotonic;
} series;

/* The next message of the kind in its run, which has been read once without fault. */
static bool next_data(reader *r, const metric_kind *kind, slice *run, slice *data) {
    while (run->p < run->end) {
        field f;
        if (!next_field(r, &run->p, run->end, &f)) return false;
        *data = f.bytes;
        if (f.number == kind->field) return true;
    }
    return false;
}

static bool read_series(reader *r, const metric_kind *kind, slice run, series *s) {
    slice data;
    *s = (series){0};
    while (next_data(r, kind, &run, &data)) {
        for (const uint8_t *p = data.p; p < data.end;) {
            field f;
            if (!next_field(r, &p, data.end, &f)) return false;
            if (f.number == 1) {
                EXPECT(LEN, "data_points");
                s->count++;
            } else if (f.number == 2 && kind->temporality) {
                EXPECT(VARINT, "aggregation_temporality");
                s->temporality = (int32_t)f.value;
            } else if (f.number == 3 && kind->monotonic) {
                EXPECT(VARINT, "is_monotonic");
                s->monotonic = f.value != 0;
            }
        }
    }
    return true;
}

static bool check_texts(reader *r, const header *h) {
    if (!text_valid(h->name)) return fail_utf8(r, "name");
    if (!text_valid(h->description)) return fail_utf8(r, "description");
    return text_valid(h->unit) || fail_utf8(r, "unit");
}

static const char METRIC[] = "/resourceMetrics/%zu/scopeMetrics/%zu/metrics/%zu";
static const char METRIC_DATA[] = "/resourceMetrics/%zu/scopeMetrics/%zu/metrics/%zu/%s";
static const char METRIC_POINT[] = "/resourceMetrics/%zu/scopeMetrics/%zu/metrics/%zu/%s/dataPoints/%zu";

static void share(decoder *d, table *t, const metric_kind *kind, const header *h, const series *s, size_t n) {
    memory *m = &d->reader.memory;
    column **c = t->columns;
    column_repeat(m, c[POINT_RESOURCE_ATTRIBUTES], d->resource, n);
    text_repeat(m, c[POINT_RESOURCE_URL], d->resource_url, n);
    text_repeat(m, c[POINT_SCOPE_NAME], d->scope_name, n);
    text_repeat(m, c[POINT_SCOPE_VERSION], d->scope_version, n);
    column_repeat(m, c[POINT_SCOPE_ATTRIBUTES], d->scope, n);
    fixed_repeat(m, c[POINT_SCOPE_DROPPED], d->scope_dropped, n);
    text_repeat(m, c[POINT_SCOPE_URL], d->scope_url, n);
    text_repeat(m, c[POINT_SERVICE_NAME], d->service, n);
    text_repeat(m, c[POINT_METRIC_NAME], h->name, n);
    text_repeat(m, c[POINT_METRIC_DESCRIPTION], h->description, n);
    text_repeat(m, c[POINT_METRIC_UNIT], h->unit, n);
    if (kind->temporality) fixed_repeat(m, c[kind->temporality], (uint32_t)s->temporality, n);
    if (kind->monotonic) fixed_repeat(m, c[kind->monotonic], s->monotonic, n);
}

static void add_points(decoder *d, const header *h, const series *s) {
    const metric_kind *kind = &METRIC_KINDS[h->kind];
    table *t = table_at(d, h->kind, kind->layout);
    size_t before = t->rows, index = 0;
    slice run = h->run, data;
    while (next_data(&d->reader, kind, &run, &data)) {
        for (const uint8_t *p = data.p; p < data.end;) {
            field f;
            if (!next_field(&d->reader, &p, data.end, &f)) return;
            if (f.number != 1) continue;
            if (!add_record(d, t, kind->row, f.bytes))
                reject(d, 1, METRIC_POINT, d->at[0], d->at[1], d->at[2], kind->name, index);
            index++;
        }
    }
    size_t n = t->rows - before;
    spend(d, n, d->scope_cost + slice_size(h->name) + slice_size(h->description) + slice_size(h->unit));
    share(d, t, kind, h, s, n);
}

void add_metric(decoder *d, slice metric) {
    reader *r = &d->reader;
    header h;
    series s;
    if (!read_metric(r, metric, &h)) {
        reject(d, 1, METRIC, d->at[0], d->at[1], d->at[2]);
    } else if (h.kind < 0) {
        return; /* a metric without points */
    } else if (!read_series(r, &METRIC_KINDS[h.kind], h.run, &s)) {
        reject(d, 1, METRIC_DATA, d->at[0], d->at[1], d->at[2], METRIC_KINDS[h.kind].name);
    } else if (!check_texts(r, &h)) {
        reject(d, s.count, METRIC, d->at[0], d->at[1], d->at[2]);
    } else {
        add_points(d, &h, &s);
    }
}

uint64_t count_points(decoder *d, slice metric) {
    header h;
    series s;
    if (!read_metric(&d->reader, metric, &h)) return 1;
    if (h.kind < 0) return 0;
    return read_series(&d->reader, &METRIC_KINDS[h.kind], h.run, &s) ? s.count : 1;
}
