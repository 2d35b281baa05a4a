/* The five kinds of metric. */
#ifndef AIRIS_POINTS_H
#define AIRIS_POINTS_H

#include "record.h"

typedef struct {
    uint32_t field;     /* its number in Metric */
    const char *name;   /* in JSON */
    const char *layout; /* of its table */
    append_row *row;
    int temporality, monotonic; /* columns, 0 for none */
} metric_kind;

enum { METRIC_KIND_COUNT = 5 };
extern const metric_kind METRIC_KINDS[METRIC_KIND_COUNT];

#define POINT_LAYOUT "msssm4sssssm884"
#define EXEMPLARS_LAYOUT "LmL8L8LsLs"
#define GAUGE_LAYOUT POINT_LAYOUT "8" EXEMPLARS_LAYOUT
#define SUM_LAYOUT POINT_LAYOUT "8" EXEMPLARS_LAYOUT "4b"
#define HISTOGRAM_LAYOUT POINT_LAYOUT "88L8L8" EXEMPLARS_LAYOUT "884"
#define EXPONENTIAL_LAYOUT POINT_LAYOUT "88484L84L8" EXEMPLARS_LAYOUT "884"
#define SUMMARY_LAYOUT POINT_LAYOUT "88L8L8"

#endif
