/* Records as rows. Each function appends one row to the columns that belong to the record itself, or sets the
   reason and returns false, whereupon the caller cuts these columns back. */
#ifndef AIRIS_RECORD_H
#define AIRIS_RECORD_H

#include "column.h"
#include "text.h"
#include "value.h"
#include "wire.h"

/* The columns of each table, in the order of its schema. */
enum {
    LOG_TIMESTAMP, LOG_TRACE_ID, LOG_SPAN_ID, LOG_TRACE_FLAGS, LOG_SEVERITY_TEXT, LOG_SEVERITY_NUMBER,
    LOG_SERVICE_NAME, LOG_BODY, LOG_RESOURCE_URL, LOG_RESOURCE_ATTRIBUTES, LOG_SCOPE_URL, LOG_SCOPE_NAME,
    LOG_SCOPE_VERSION, LOG_SCOPE_ATTRIBUTES, LOG_ATTRIBUTES, LOG_EVENT_NAME
};
enum {
    SPAN_TIMESTAMP, SPAN_TRACE_ID, SPAN_SPAN_ID, SPAN_PARENT_ID, SPAN_TRACE_STATE, SPAN_NAME, SPAN_KIND,
    SPAN_SERVICE_NAME, SPAN_RESOURCE_ATTRIBUTES, SPAN_SCOPE_NAME, SPAN_SCOPE_VERSION, SPAN_ATTRIBUTES, SPAN_DURATION,
    SPAN_STATUS_CODE, SPAN_STATUS_MESSAGE, SPAN_EVENT_TIMESTAMP, SPAN_EVENT_NAME, SPAN_EVENT_ATTRIBUTES,
    SPAN_LINK_TRACE_ID, SPAN_LINK_SPAN_ID, SPAN_LINK_TRACE_STATE, SPAN_LINK_ATTRIBUTES
};
/* Every table of metrics begins with these. */
enum {
    POINT_RESOURCE_ATTRIBUTES, POINT_RESOURCE_URL, POINT_SCOPE_NAME, POINT_SCOPE_VERSION, POINT_SCOPE_ATTRIBUTES,
    POINT_SCOPE_DROPPED, POINT_SCOPE_URL, POINT_SERVICE_NAME, POINT_METRIC_NAME, POINT_METRIC_DESCRIPTION,
    POINT_METRIC_UNIT, POINT_ATTRIBUTES, POINT_START, POINT_TIME, POINT_FLAGS, POINT_COLUMNS
};

#define LOGS_LAYOUT "8ss1s1sssmsssmms"
#define TRACES_LAYOUT "8sssssssmssm8ssL8LsLmLsLsLsLm"

typedef bool append_row(reader *r, table *t, slice message, uint64_t received_ns);

append_row log_row, span_row;
/* Data points; gauges and sums share one. */
append_row number_row, histogram_row, exponential_row, summary_row;

/* A time in nanoseconds that a timestamp column can hold. */
static inline bool check_nanos(reader *r, const char *name, uint64_t value) {
    return value <= INT64_MAX || fail(r, "%s: %llu is after the year 2262", name, (unsigned long long)value);
}

/* An id of `size` bytes (a multiple of 4) in hexadecimal; an absent one, which may also be all zeros, is ''. */
static inline bool put_id(reader *r, column *c, const char *name, slice id, size_t size) {
    size_t n = slice_size(id);
    if (n && n != size) return fail(r, "%s: %zu bytes instead of %zu", name, n, size);
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) any |= id.p[i];
    if (any) put_hex(&r->memory, &c->data, id);
    end_text(&r->memory, c);
    return true;
}

/* A string that was checked when it was read. */
static inline void put_slice(reader *r, column *c, slice s) { put_text(&r->memory, c, s.p, slice_size(s)); }

#endif
