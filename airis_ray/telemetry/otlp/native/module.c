/* The module `_native`: decode(signal, payload, tenant, received_ns, room) with the GIL freed while it walks. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>

#include "decode.h"
#include "json.h"

static void release_capsule(PyObject *capsule) {
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array && array->release) array->release(array);
    free(array);
}

/* Hands table `i` over as a capsule of Arrow's; None where it has no rows. */
static PyObject *export_table(decoder *d, int i) {
    table *t = d->tables[i];
    if (!t || !t->rows) Py_RETURN_NONE;
    struct ArrowArray *array = malloc(sizeof *array);
    if (!array || !table_export(t, array)) {
        free(array);
        return PyErr_NoMemory();
    }
    d->tables[i] = NULL;
    PyObject *capsule = PyCapsule_New(array, "arrow_array", release_capsule);
    if (!capsule) {
        array->release(array);
        free(array);
    }
    return capsule;
}

static PyObject *reason_tuples(const decoder *d) {
    PyObject *tuple = PyTuple_New(d->reason_count);
    for (int i = 0; tuple && i < d->reason_count; i++) {
        PyObject *pair = Py_BuildValue("(ss)", d->reasons[i].pointer, d->reasons[i].reason);
        if (!pair || PyTuple_SetItem(tuple, i, pair) < 0) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

static PyObject *table_tuple(decoder *d) {
    PyObject *tuple = PyTuple_New(MAX_TABLES);
    for (int i = 0; tuple && i < MAX_TABLES; i++) {
        PyObject *item = export_table(d, i);
        if (!item || PyTuple_SetItem(tuple, i, item) < 0) {
            Py_DECREF(tuple);
            return NULL;
        }
    }
    return tuple;
}

static PyObject *answer(decoder *d, outcome end) {
    if (end == NO_MEMORY) return PyErr_NoMemory();
    if (end == TOO_LARGE) Py_RETURN_NONE;
    if (end == UNREADABLE) return Py_BuildValue("(sn)", d->reader.reason, (Py_ssize_t)d->position);
    PyObject *tables = table_tuple(d);
    if (!tables) return NULL;
    PyObject *reasons = reason_tuples(d);
    if (!reasons) {
        Py_DECREF(tables);
        return NULL;
    }
    return Py_BuildValue("(NKKN)", tables, d->accepted, d->rejected, reasons);
}

static PyObject *decode(PyObject *module, PyObject *arguments) {
    (void)module;
    int signal;
    Py_buffer payload, tenant;
    unsigned long long received_ns, room;
    if (!PyArg_ParseTuple(arguments, "iy*s*KK:decode", &signal, &payload, &tenant, &received_ns, &room)) return NULL;
    PyObject *result = NULL;
    decoder *d = signal >= LOGS && signal <= METRICS ? calloc(1, sizeof *d) : NULL;
    if (d) {
        const uint8_t *from = tenant.buf, *bytes = payload.buf;
        d->signal = (signal_kind)signal;
        d->tenant = (slice){from, from + tenant.len};
        d->received_ns = received_ns;
        d->room = room;
        outcome end;
        Py_BEGIN_ALLOW_THREADS
        end = decode_payload(d, (slice){bytes, bytes + payload.len});
        Py_END_ALLOW_THREADS
        result = answer(d, end);
        decoder_free(d);
        free(d);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&payload);
    PyBuffer_Release(&tenant);
    return result;
}

static PyObject *use_powers(PyObject *module, PyObject *argument) {
    (void)module;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(argument, &bytes, &size) < 0) return NULL;
    if (size != sizeof powers) return PyErr_Format(PyExc_ValueError, "expected %zu bytes", sizeof powers);
    memcpy(powers, bytes, sizeof powers);
    Py_RETURN_NONE;
}

static PyObject *use_field(PyObject *module, PyObject *arguments) {
    (void)module;
    int message, nests, number, kind, repeated, target;
    const char *name;
    if (!PyArg_ParseTuple(arguments, "ipsiipi", &message, &nests, &name, &number, &kind, &repeated, &target)) return NULL;
    bool known = message >= 0 && message < MAX_MESSAGES;
    if (!known || !json_add(&json_messages[message], name, number, kind, repeated, target))
        return PyErr_Format(PyExc_ValueError, "no room for the field %s", name);
    json_messages[message].nests = nests;
    Py_RETURN_NONE;
}

static PyObject *json_to_protobuf(PyObject *module, PyObject *arguments) {
    (void)module;
    int message;
    Py_buffer document;
    if (!PyArg_ParseTuple(arguments, "iy*", &message, &document)) return NULL;
    const uint8_t *bytes = document.buf;
    memory m = {.blocks = NULL};
    buffer *out = calloc(1, sizeof *out); /* not a local variable: those are lost to longjmp */
    bool good = false;
    if (out && message >= 0 && message < MAX_MESSAGES) {
        Py_BEGIN_ALLOW_THREADS
        if (!setjmp(m.escape)) good = json_encode(&m, message, (slice){bytes, bytes + document.len}, out);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&document);
    PyObject *result = good ? PyBytes_FromStringAndSize((const char *)out->p, (Py_ssize_t)out->len) : Py_NewRef(Py_None);
    if (out) buffer_free(out);
    free(out);
    return result;
}

static PyMethodDef METHODS[] = {
    {"json_to_protobuf", json_to_protobuf, METH_VARARGS, "A document in protobuf, or None for the careful way."},
    {"use_field", use_field, METH_VARARGS, "A name of a field of a message of OTLP/JSON."},
    {"decode", decode, METH_VARARGS, "A payload as Arrow capsules; see native.py."},
    {"use_powers", use_powers, METH_O, "The powers of ten that doubles are written with."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module) {
    PyObject *layouts = Py_BuildValue("(sssssss)", LOGS_LAYOUT, TRACES_LAYOUT, GAUGE_LAYOUT, SUM_LAYOUT,
                                      HISTOGRAM_LAYOUT, EXPONENTIAL_LAYOUT, SUMMARY_LAYOUT);
    if (!layouts) return -1;
    int failed = PyModule_AddObjectRef(module, "LAYOUTS", layouts);
    Py_DECREF(layouts);
    return failed;
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, (void *)execute}, {0, NULL}};

static struct PyModuleDef DEFINITION = {
    PyModuleDef_HEAD_INIT, "_native", "The compiled OTLP decoder.", 0, METHODS, SLOTS, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&DEFINITION); }
