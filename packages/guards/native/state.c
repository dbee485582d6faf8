/* State: what functions answered when a check of them passed, asked again all in one call.

   Each question is a function with constant arguments, and the answer that is expected. To ask it from here spares
   what generated code does around it: finding the function, and looking at the answer. An answer is right if it is the
   very object that is expected, or an integer that equals it.

   A question may be about a class: then its answer follows from what the class holds, and is not asked while the class
   has the version that it had (class.c). */

#include "plan.h"

#include <stddef.h>

typedef struct {
    PyObject *function;
    PyObject *arguments; /* a tuple */
    PyObject *expected;
    PyObject *class;     /* NULL: about no class */
    uint64_t version;    /* of the class, when the answer was right; 0: none */
} Question;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Py_ssize_t count;
    Question *questions;
    PyObject *any_name;  /* to look up: that gives a class a version */
} StateCheck;

static int
is_expected(const Question *question, PyObject *answer)
{
    if (answer == question->expected) {
        return 1;
    }
    if (!PyLong_CheckExact(answer) || !PyLong_CheckExact(question->expected)) {
        return 0;
    }
    return PyObject_RichCompareBool(answer, question->expected, Py_EQ);
}

static int
ask(const Question *question)
{
    PyObject *arguments = question->arguments;
    PyObject *answer = PyObject_Vectorcall(question->function, &PyTuple_GET_ITEM(arguments, 0),
                                           PyTuple_GET_SIZE(arguments), NULL);
    if (answer == NULL) {
        return -1;
    }
    int right = is_expected(question, answer);
    Py_DECREF(answer);
    return right;
}

static int
ask_about_class(StateCheck *self, Question *question)
{
    (void)_PyType_Lookup((PyTypeObject *)question->class, self->any_name);
    uint64_t version = class_version_of(question->class); /* before the question, while which the class may change */
    int right = ask(question);
    question->version = right == 1 ? version : 0;
    return right;
}

static PyObject *
call(PyObject *callable, PyObject *const *arguments, size_t flags, PyObject *names)
{
    (void)arguments;
    StateCheck *self = (StateCheck *)callable;
    if (PyVectorcall_NARGS(flags) != 0 || (names != NULL && PyTuple_GET_SIZE(names) != 0)) {
        PyErr_SetString(PyExc_TypeError, "a check of state takes no arguments");
        return NULL;
    }
    for (Py_ssize_t index = 0; index < self->count; index++) {
        Question *question = &self->questions[index];
        int right;
        if (question->class == NULL) {
            right = ask(question);
        }
        else if (question->version != 0 && class_version_of(question->class) == question->version) {
            continue;
        }
        else {
            right = ask_about_class(self, question);
        }
        if (right < 0) {
            return NULL;
        }
        if (right == 0) {
            Py_RETURN_FALSE;
        }
    }
    Py_RETURN_TRUE;
}

static int
clear(StateCheck *self)
{
    for (; self->count > 0; self->count--) {
        Question *question = &self->questions[self->count - 1];
        Py_CLEAR(question->function);
        Py_CLEAR(question->arguments);
        Py_CLEAR(question->expected);
        Py_CLEAR(question->class);
    }
    return 0;
}

static int
traverse(StateCheck *self, visitproc visit, void *arg)
{
    for (Py_ssize_t index = 0; index < self->count; index++) {
        Py_VISIT(self->questions[index].function);
        Py_VISIT(self->questions[index].arguments);
        Py_VISIT(self->questions[index].expected);
        Py_VISIT(self->questions[index].class);
    }
    return 0;
}

static void
dealloc(StateCheck *self)
{
    PyObject_GC_UnTrack(self);
    clear(self);
    PyMem_Free(self->questions);
    Py_XDECREF(self->any_name);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static bool
add_question(StateCheck *self, PyObject *described)
{
    PyObject *function, *arguments, *expected, *class;
    if (!PyTuple_Check(described)) {
        PyErr_SetString(PyExc_TypeError, "a question is a tuple (function, arguments, expected, class or None)");
        return false;
    }
    if (!PyArg_ParseTuple(described, "OO!OO;a question is a tuple (function, arguments, expected, class or None)",
                          &function, &PyTuple_Type, &arguments, &expected, &class)) {
        return false;
    }
    if (class != Py_None && !PyType_Check(class)) {
        PyErr_Format(PyExc_TypeError, "a question may be about a class, not about %R", (PyObject *)Py_TYPE(class));
        return false;
    }
    self->questions[self->count++] = (Question){
        .function = Py_NewRef(function),
        .arguments = Py_NewRef(arguments),
        .expected = Py_NewRef(expected),
        .class = class == Py_None ? NULL : Py_NewRef(class),
    };
    return true;
}

static PyObject *
new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"questions", NULL};
    PyObject *questions;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!:StateCheck", names, &PyTuple_Type, &questions)) {
        return NULL;
    }
    StateCheck *self = (StateCheck *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = call;
    self->any_name = PyUnicode_InternFromString("__doc__");
    self->questions = PyMem_Calloc(PyTuple_GET_SIZE(questions) + 1, sizeof(Question));
    if (self->any_name == NULL || self->questions == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(questions); index++) {
        if (!add_question(self, PyTuple_GET_ITEM(questions, index))) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

/* `function.__code__`, which CPython reads in a slower way: it tells auditors. */
PyObject *
code_of(PyObject *module, PyObject *function)
{
    (void)module;
    if (!PyFunction_Check(function)) {
        PyErr_Format(PyExc_TypeError, "only a Python function has code, not %R", (PyObject *)Py_TYPE(function));
        return NULL;
    }
    return Py_NewRef(PyFunction_GET_CODE(function));
}

PyTypeObject StateCheckType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "framelift_guards._accelerator.StateCheck",
    .tp_doc = "Asks functions, and tells whether all answers are what was expected.",
    .tp_basicsize = sizeof(StateCheck),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = new,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(StateCheck, vectorcall),
};
