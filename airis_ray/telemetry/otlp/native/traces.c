#include "record.h"

static const char *const SPAN_KINDS[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
static const char *const STATUS_CODES[] = {"Unset", "Ok", "Error"};

typedef struct {
    uint64_t start, end;
    int32_t kind, status;
    slice trace_id, span_id, parent_id, trace_state, name, status_message;
} span;

static bool put_event(reader *r, table *t, slice message) {
    column *attributes = t->columns[SPAN_EVENT_ATTRIBUTES]->item;
    uint64_t time = 0;
    slice name = {0};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(I64, "time_unix_nano"); time = f.value; break;
        case 2: TAKE_TEXT(name, "name"); break;
        case 3:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, attributes, f.bytes)) return false;
            break;
        case 4: EXPECT(VARINT, "dropped_attributes_count"); break;
        }
    }
    if (!check_nanos(r, "time_unix_nano", time)) return false;
    put_u64(&r->memory, &t->columns[SPAN_EVENT_TIMESTAMP]->item->data, time);
    put_slice(r, t->columns[SPAN_EVENT_NAME]->item, name);
    end_map(&r->memory, attributes);
    return true;
}

static bool put_link(reader *r, table *t, slice message) {
    column *attributes = t->columns[SPAN_LINK_ATTRIBUTES]->item;
    slice trace_id = {0}, span_id = {0}, state = {0};
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(LEN, "trace_id"); trace_id = f.bytes; break;
        case 2: EXPECT(LEN, "span_id"); span_id = f.bytes; break;
        case 3: TAKE_TEXT(state, "trace_state"); break;
        case 4:
            EXPECT(LEN, "attributes");
            if (!put_attribute(r, attributes, f.bytes)) return false;
            break;
        case 5: EXPECT(VARINT, "dropped_attributes_count"); break;
        case 6: EXPECT(I32, "flags"); break;
        }
    }
    if (!put_id(r, t->columns[SPAN_LINK_TRACE_ID]->item, "trace_id", trace_id, 16)) return false;
    if (!put_id(r, t->columns[SPAN_LINK_SPAN_ID]->item, "span_id", span_id, 8)) return false;
    put_slice(r, t->columns[SPAN_LINK_TRACE_STATE]->item, state);
    end_map(&r->memory, attributes);
    return true;
}

static bool read_status(reader *r, slice message, span *s) {
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 2: TAKE_TEXT(s->status_message, "message"); break;
        case 3: EXPECT(VARINT, "code"); s->status = (int32_t)f.value; break;
        }
    }
    return true;
}

/* Fields that hold messages, which go to their columns at once. */
static bool put_part(reader *r, table *t, const field *part, span *s) {
    field f = *part;
    switch (f.number) {
    case 9: EXPECT(LEN, "attributes"); return put_attribute(r, t->columns[SPAN_ATTRIBUTES], f.bytes);
    case 11: EXPECT(LEN, "events"); return put_event(r, t, f.bytes);
    case 13: EXPECT(LEN, "links"); return put_link(r, t, f.bytes);
    default: EXPECT(LEN, "status"); return read_status(r, f.bytes, s);
    }
}

static bool read_span(reader *r, table *t, slice message, span *s) {
    for (const uint8_t *p = message.p; p < message.end;) {
        field f;
        if (!next_field(r, &p, message.end, &f)) return false;
        switch (f.number) {
        case 1: EXPECT(LEN, "trace_id"); s->trace_id = f.bytes; break;
        case 2: EXPECT(LEN, "span_id"); s->span_id = f.bytes; break;
        case 3: TAKE_TEXT(s->trace_state, "trace_state"); break;
        case 4: EXPECT(LEN, "parent_span_id"); s->parent_id = f.bytes; break;
        case 5: TAKE_TEXT(s->name, "name"); break;
        case 6: EXPECT(VARINT, "kind"); s->kind = (int32_t)f.value; break;
        case 7: EXPECT(I64, "start_time_unix_nano"); s->start = f.value; break;
        case 8: EXPECT(I64, "end_time_unix_nano"); s->end = f.value; break;
        case 10: EXPECT(VARINT, "dropped_attributes_count"); break;
        case 12: EXPECT(VARINT, "dropped_events_count"); break;
        case 14: EXPECT(VARINT, "dropped_links_count"); break;
        case 16: EXPECT(I32, "flags"); break;
        case 9: case 11: case 13: case 15:
            if (!put_part(r, t, &f, s)) return false;
            break;
        }
    }
    return true;
}

static void put_name(reader *r, column *c, const char *const *names, int count, int32_t number) {
    const char *name = names[number >= 0 && number < count ? number : 0];
    put_text(&r->memory, c, name, strlen(name));
}

bool span_row(reader *r, table *t, slice message, uint64_t received_ns) {
    memory *m = &r->memory;
    column **c = t->columns;
    span s = {0};
    if (!read_span(r, t, message, &s)) return false;
    if (!check_nanos(r, "start_time_unix_nano", s.start)) return false;
    if (!put_id(r, c[SPAN_TRACE_ID], "trace_id", s.trace_id, 16)) return false;
    if (!put_id(r, c[SPAN_SPAN_ID], "span_id", s.span_id, 8)) return false;
    if (!put_id(r, c[SPAN_PARENT_ID], "parent_span_id", s.parent_id, 8)) return false;
    if (!check_nanos(r, "end_time_unix_nano", s.end)) return false;
    put_u64(m, &c[SPAN_TIMESTAMP]->data, s.start ? s.start : received_ns);
    put_u64(m, &c[SPAN_DURATION]->data, s.start && s.end > s.start ? s.end - s.start : 0);
    put_slice(r, c[SPAN_TRACE_STATE], s.trace_state);
    put_slice(r, c[SPAN_NAME], s.name);
    put_name(r, c[SPAN_KIND], SPAN_KINDS, 6, s.kind);
    put_name(r, c[SPAN_STATUS_CODE], STATUS_CODES, 3, s.status);
    put_slice(r, c[SPAN_STATUS_MESSAGE], s.status_message);
    end_map(m, c[SPAN_ATTRIBUTES]);
    for (int i = SPAN_EVENT_TIMESTAMP; i <= SPAN_LINK_ATTRIBUTES; i++) end_list(m, c[i]);
    return true;
}
