/* A payload on its way into tables. */
#ifndef AIRIS_DECODE_H
#define AIRIS_DECODE_H

#include "points.h"
#include "record.h"

typedef enum { LOGS, TRACES, METRICS } signal_kind;
typedef enum { DECODED, NO_MEMORY = ESCAPE_NO_MEMORY, TOO_LARGE = ESCAPE_TOO_LARGE, UNREADABLE } outcome;

enum { MAX_TABLES = METRIC_KIND_COUNT, MAX_REASONS = 20, POINTER_SIZE = 160 };

typedef struct {
    char pointer[POINTER_SIZE], reason[REASON_SIZE];
} rejection;

typedef struct {
    reader reader;
    signal_kind signal;
    slice tenant;
    uint64_t received_ns;
    uint64_t room;             /* bytes that the rows may still take, as they are counted */

    table *tables[MAX_TABLES]; /* made when the first row comes */
    uint64_t accepted, rejected;
    rejection reasons[MAX_REASONS];
    int reason_count;
    size_t position;           /* of what made the payload unreadable */

    size_t at[3];              /* the resource, the scope and the record at hand */
    column resource[3], scope[3]; /* their attributes */
    slice service, resource_url, scope_name, scope_version, scope_url;
    uint32_t scope_dropped;
    uint64_t resource_cost, scope_cost;
} decoder;

/* Fills the decoder, which the caller has cleared and given signal, tenant, received_ns and room. */
outcome decode_payload(decoder *d, slice payload);
void decoder_free(decoder *d);

/* From decode.c, for the metrics' part of the walk. */
table *table_at(decoder *d, int index, const char *layout);
/* Count records as rejected, and keep the pointer and the reader's reason while there is room for reasons. */
void reject(decoder *d, uint64_t count, const char *pointer, ...) __attribute__((cold, format(printf, 3, 4)));
/* Count rows against the room that is left. */
void spend(decoder *d, uint64_t rows, uint64_t cost);
/* Append one record; false, with nothing appended, where it is bad. */
bool add_record(decoder *d, table *t, append_row *row, slice record);

/* From metric.c: a metric with its points, and the number of its points (1 where they cannot be read). */
void add_metric(decoder *d, slice metric);
uint64_t count_points(decoder *d, slice metric);

#endif
