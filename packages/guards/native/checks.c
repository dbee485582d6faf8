/* One object against what is expected of it: exact types first, so that only built-in comparisons ever run. */

#include "plan.h"

#include <string.h>

PyObject *
referent(PyObject *reference)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *found = NULL;
    if (PyWeakref_GetRef(reference, &found) <= 0) {
        return NULL;
    }
    Py_DECREF(found); /* under the GIL, whoever holds it goes on holding it */
    return found;
#else
    PyObject *found = PyWeakref_GET_OBJECT(reference);
    return found == Py_None ? NULL : found;
#endif
}

/* What `Equals` means for atoms: the same exact type, 0.0 apart from -0.0, and NaN equal to itself. */
static bool
equal_atoms(PyObject *expected, PyObject *value)
{
    if (expected == value) {
        return true;
    }
    if (Py_TYPE(expected) != Py_TYPE(value)) {
        return false;
    }
    if (PyFloat_CheckExact(value)) {
        double one = PyFloat_AS_DOUBLE(expected), other = PyFloat_AS_DOUBLE(value);
        return memcmp(&one, &other, sizeof(double)) == 0 || (one != one && other != other);
    }
    if (PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyBytes_CheckExact(value)) {
        return PyObject_RichCompareBool(expected, value, Py_EQ) == 1;
    }
    return false;
}

/* The length of a container whose exact type is built in, else -1: any other type has a `__len__` to be asked. */
Py_ssize_t
built_in_length(PyObject *value)
{
    if (PyDict_CheckExact(value) || PyODict_CheckExact(value)) {
        return PyDict_GET_SIZE(value);
    }
    if (PyTuple_CheckExact(value) || PyList_CheckExact(value) || PyBytes_CheckExact(value)) {
        return Py_SIZE(value);
    }
    if (PyAnySet_CheckExact(value)) {
        return PySet_GET_SIZE(value);
    }
    return PyUnicode_CheckExact(value) ? PyUnicode_GET_LENGTH(value) : -1;
}

bool
holds(const Step *step, PyObject *value)
{
    PyObject *expected = step->expected;
    if (step->weak) {
        expected = referent(expected);
        if (expected == NULL) {
            return step->kind == IS_NOT; /* what has died cannot come back */
        }
    }
    switch (step->kind) {
    case TYPE_IS:
        return (PyObject *)Py_TYPE(value) == expected;
    case IS:
        return value == expected;
    case IS_NOT:
        return value != expected;
    case EQUALS:
        return equal_atoms(expected, value);
    case CODE_IS:
        return PyFunction_Check(value) && PyFunction_GET_CODE(value) == expected; /* no class inherits from functions */
    case FALSY:
        return value == Py_False || value == Py_None || built_in_length(value) == 0;
    case LENGTH:
        return built_in_length(value) == step->number;
    default:
        return false;
    }
}

bool
keys_are(PyObject *dict, PyObject *keys)
{
    /* An OrderedDict has an order of its own, which only its iterator knows. */
    if (!PyDict_CheckExact(dict) || PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(keys)) {
        return false;
    }
    Py_ssize_t position = 0, index = 0;
    PyObject *key;
    while (PyDict_Next(dict, &position, &key, NULL)) {
        PyObject *expected = PyTuple_GET_ITEM(keys, index++);
        if (key != expected && !(PyUnicode_CheckExact(key) && PyUnicode_Compare(key, expected) == 0)) {
            return false;
        }
    }
    return true;
}

PyObject *
element(const Step *step, PyObject *subject)
{
    Py_ssize_t index = step->number;
    if (step->kind == TUPLE_ITEM) {
        return PyTuple_CheckExact(subject) && index < PyTuple_GET_SIZE(subject) ? PyTuple_GET_ITEM(subject, index) : NULL;
    }
    return PyList_CheckExact(subject) && index < PyList_GET_SIZE(subject) ? PyList_GET_ITEM(subject, index) : NULL;
}

/* A step that looks nothing up in a dictionary or a class, with borrowed references. */
bool
plain_step(const Step *step, PyObject **slots)
{
    PyObject *subject = slots[step->subject];
    switch (step->kind) {
    case TUPLE_ITEM:
    case LIST_ITEM:
        return (slots[step->result] = element(step, subject)) != NULL;
    case CELL:
        return PyCell_Check(subject) && (slots[step->result] = PyCell_GET(subject)) != NULL;
    case REFERENT:
        return (slots[step->result] = referent(subject)) != NULL;
    case TYPE:
        slots[step->result] = (PyObject *)Py_TYPE(subject);
        return true;
    case SAME:
        return subject == slots[step->result];
    case DIFFERENT:
        return subject != slots[step->result];
    default:
        return holds(step, subject);
    }
}
