/* Values: what a plan found, to be handed on to a function all at once.

   A tuple would do, were it not for its memory: one of more than some sixty elements comes from `malloc`, and what the
   C library calls a large block makes it merge all the small ones that were freed before (glibc, malloc/malloc.c,
   `malloc_consolidate`): after the operations of a model, that is dearer than every check. So the memory belongs to the
   plan, which has it ready for the next call; calls that overlap get memory of their own.

   `apply` hands the values on without a copy. One place before the first is left free, for the callee's use: a bound
   method puts its object there (PEP 590, PY_VECTORCALL_ARGUMENTS_OFFSET). */

#include "plan.h"

#include <stddef.h>

/* So many arguments of `apply` need no memory of their own. */
#define FEW 32

/* Return what holds as many values as fit into a buffer, as yet none; garbage may be collected here. */
Values *
new_values(PyObject *owner, Buffer *buffer)
{
    Values *values = PyObject_GC_New(Values, &ValuesType);
    if (values == NULL) {
        return NULL;
    }
    values->count = 0;
    if (buffer->taken) {
        values->owner = NULL;
        values->buffer = NULL;
        values->block = PyMem_Calloc(buffer->capacity + 1, sizeof(PyObject *));
        if (values->block == NULL) {
            PyObject_GC_Del(values);
            PyErr_NoMemory();
            return NULL;
        }
    }
    else {
        values->owner = Py_NewRef(owner);
        values->buffer = buffer;
        values->block = buffer->block;
        buffer->taken = true;
    }
    PyObject_GC_Track(values);
    return values;
}

bool
set_up_buffer(Buffer *buffer, Py_ssize_t capacity)
{
    *buffer = (Buffer){.capacity = capacity, .block = PyMem_Calloc(capacity + 1, sizeof(PyObject *))};
    return buffer->block != NULL;
}

static int
clear(Values *values)
{
    while (values->count > 0) {
        PyObject *last = values->block[values->count--];
        Py_DECREF(last);
    }
    return 0;
}

static int
traverse(Values *values, visitproc visit, void *arg)
{
    Py_VISIT(values->owner);
    for (Py_ssize_t place = 1; place <= values->count; place++) {
        Py_VISIT(values->block[place]);
    }
    return 0;
}

static void
dealloc(Values *values)
{
    PyObject_GC_UnTrack(values);
    clear(values);
    if (values->buffer == NULL) {
        PyMem_Free(values->block);
    }
    else {
        values->buffer->taken = false;
        Py_DECREF(values->owner);
    }
    PyObject_GC_Del(values);
}

static Py_ssize_t
length(PyObject *values)
{
    return ((Values *)values)->count;
}

static PyObject *
item(PyObject *values, Py_ssize_t index)
{
    if (index < 0 || index >= ((Values *)values)->count) {
        PyErr_SetString(PyExc_IndexError, "there are no more values");
        return NULL;
    }
    return Py_NewRef(((Values *)values)->block[index + 1]);
}

/* Make values of what is iterated over, as a plan would. */
static PyObject *
new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"", NULL};
    PyObject *given;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Values", names, &given)) {
        return NULL;
    }
    PyObject *found = PySequence_Tuple(given);
    if (found == NULL) {
        return NULL;
    }
    Buffer none = {.capacity = PyTuple_GET_SIZE(found), .taken = true};
    Values *values = new_values(NULL, &none);
    for (Py_ssize_t index = 0; values != NULL && index < none.capacity; index++) {
        add_value(values, PyTuple_GET_ITEM(found, index));
    }
    Py_DECREF(found);
    return (PyObject *)values;
}

PyObject *
apply(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "apply() needs a function");
        return NULL;
    }
    if (count == 2 && Py_IS_TYPE(arguments[1], &ValuesType)) {
        Values *values = (Values *)arguments[1];
        return PyObject_Vectorcall(arguments[0], values->block + 1, values->count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    Py_ssize_t total = 0;
    for (Py_ssize_t index = 1; index < count; index++) {
        total += Py_IS_TYPE(arguments[index], &ValuesType) ? ((Values *)arguments[index])->count : 1;
    }
    PyObject *few[FEW + 1] = {NULL}, **block = few;
    if (total > FEW && (block = PyMem_Malloc((total + 1) * sizeof(PyObject *))) == NULL) {
        return PyErr_NoMemory();
    }
    Py_ssize_t place = 1;
    for (Py_ssize_t index = 1; index < count; index++) {
        PyObject *one = arguments[index];
        if (!Py_IS_TYPE(one, &ValuesType)) {
            block[place++] = one;
            continue;
        }
        for (Py_ssize_t at = 1; at <= ((Values *)one)->count; at++) {
            block[place++] = ((Values *)one)->block[at];
        }
    }
    PyObject *result = PyObject_Vectorcall(arguments[0], block + 1, total | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (block != few) {
        PyMem_Free(block);
    }
    return result;
}

static PySequenceMethods as_sequence = {.sq_length = length, .sq_item = item};

PyTypeObject ValuesType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "framelift_guards._accelerator.Values",
    .tp_doc = "What a plan found, in order; `apply` hands it on.",
    .tp_basicsize = sizeof(Values),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = new,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_as_sequence = &as_sequence,
};
