#include "record.h"

typedef struct {
    uint64_t time, observed;
    uint32_t flags;
    int32_t severity;
    slice severity_text, trace_id, span_id, event_name, body;
    int bodies;
} log_record;

static bool read_log(reader *r, table *t, slice message, log_record *log) {
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(I64, "time_unix_nano"); log->time = f.value; break;
        case 2: EXPECT(VARINT, "severity_number"); log->severity = (int32_t)f.value; break;
        case 3: TAKE_TEXT(log->severity_text, "severity_text"); break;
        case 5:
            EXPECT(LEN, "body");
            log->body = f.bytes;
            log->bodies += log->bodies < 2;
            break;
        case 6:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, t->columns[LOG_ATTRIBUTES], f.bytes)) return false;
            break;
        case 7: EXPECT(VARINT, "dropped_attributes_count"); break;
        case 8: EXPECT(I32, "flags"); log->flags = (uint32_t)f.value; break;
        case 9: EXPECT(LEN, "trace_id"); log->trace_id = f.bytes; break;
        case 10: EXPECT(LEN, "span_id"); log->span_id = f.bytes; break;
        case 11: EXPECT(I64, "observed_time_unix_nano"); log->observed = f.value; break;
        case 12: TAKE_TEXT(log->event_name, "event_name"); break;
        }
    }
    if (log->bodies > 1) log->body = merge_field(r, message, 5);
    return true;
}

bool log_row(reader *r, table *t, slice message, uint64_t received_ns) {
    memory *m = &r->memory;
    column **c = t->columns;
    log_record log = {0};
    if (!read_log(r, t, message, &log)) return false;
    const char *name = log.time ? "time_unix_nano" : "observed_time_unix_nano";
    uint64_t time = log.time ? log.time : log.observed;
    if (!check_nanos(r, name, time)) return false;
    if (!put_id(r, c[LOG_TRACE_ID], "trace_id", log.trace_id, 16)) return false;
    if (!put_id(r, c[LOG_SPAN_ID], "span_id", log.span_id, 8)) return false;
    if (!value_text(r, &c[LOG_BODY]->data, log.body)) return false;
    end_text(m, c[LOG_BODY]);
    put_u64(m, &c[LOG_TIMESTAMP]->data, time ? time : received_ns);
    put_byte(m, &c[LOG_TRACE_FLAGS]->data, (uint8_t)log.flags);
    put_slice(r, c[LOG_SEVERITY_TEXT], log.severity_text);
    put_byte(m, &c[LOG_SEVERITY_NUMBER]->data, log.severity >= 0 && log.severity <= 255 ? (uint8_t)log.severity : 0);
    put_slice(r, c[LOG_EVENT_NAME], log.event_name);
    end_map(m, c[LOG_ATTRIBUTES]);
    return true;
}
