/* A joint check: a check of many values, and checks without arguments that are made after it, all in one call.

   The check of the values may be replaced by a better one: generated code calls the joint, and needs no new name. */

#include "plan.h"

#include <stddef.h>

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *check;
    PyObject *others; /* a list */
} Joint;

/* 1 or 0, or -1 with an exception. Steals the answer. */
static int
is_true(PyObject *answer)
{
    if (answer == NULL) {
        return -1;
    }
    int right = answer == Py_True ? 1 : PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return right;
}

static PyObject *
call(PyObject *callable, PyObject *const *arguments, size_t flags, PyObject *names)
{
    Joint *self = (Joint *)callable;
    PyObject *check = Py_NewRef(self->check);
    int right = is_true(PyObject_Vectorcall(check, arguments, flags, names));
    Py_DECREF(check);
    for (Py_ssize_t index = 0; right == 1 && index < PyList_GET_SIZE(self->others); index++) {
        PyObject *other = Py_NewRef(PyList_GET_ITEM(self->others, index));
        right = is_true(PyObject_Vectorcall(other, NULL, 0, NULL));
        Py_DECREF(other);
    }
    return right < 0 ? NULL : Py_NewRef(right ? Py_True : Py_False);
}

static PyObject *
replace(PyObject *joint, PyObject *check)
{
    Py_SETREF(((Joint *)joint)->check, Py_NewRef(check));
    Py_RETURN_NONE;
}

static PyObject *
add(PyObject *joint, PyObject *other)
{
    if (PyList_Append(((Joint *)joint)->others, other) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"replace", replace, METH_O, "replace($self, check, /)\n--\n\nMake another check of the values from now on."},
    {"add", add, METH_O, "add($self, other, /)\n--\n\nMake a check without arguments, too."},
    {NULL, NULL, 0, NULL},
};

static PyObject *
new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"", NULL};
    PyObject *check;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:JointCheck", names, &check)) {
        return NULL;
    }
    Joint *self = (Joint *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = call;
    self->check = Py_NewRef(check);
    self->others = PyList_New(0);
    if (self->others == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* The list is emptied, but stays: a call that is under way counts on it. So it does on the check. */
static int
clear(Joint *self)
{
    PyObject *check = self->check;
    self->check = Py_NewRef(Py_None);
    Py_XDECREF(check);
    return self->others == NULL ? 0 : PyList_SetSlice(self->others, 0, PyList_GET_SIZE(self->others), NULL);
}

static int
traverse(Joint *self, visitproc visit, void *arg)
{
    Py_VISIT(self->check);
    Py_VISIT(self->others);
    return 0;
}

static void
dealloc(Joint *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->check);
    Py_XDECREF(self->others);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject JointCheckType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "framelift_guards._accelerator.JointCheck",
    .tp_doc = "Makes a check of values, and after it others that take no arguments, and tells whether all hold.",
    .tp_basicsize = sizeof(Joint),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = new,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_methods = methods,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Joint, vectorcall),
};
