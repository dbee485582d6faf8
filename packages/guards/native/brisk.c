/* The brisk walk: everything is looked up, but nothing is held.

   It is for CPython 3.13, where dictionaries have no versions that the quick walk could compare. It looks where the full
   walk looks; but it goes on only while no step can run code of the user's, so that its references may be borrowed: a
   dictionary is asked only if all its keys are strings, whose comparison is CPython's own, and a class only if it has
   the version that it had. From 3.12 on, no allocation collects garbage. A step that is not sure leaves the call to the
   full walk.

   Whether the keys of a dictionary are strings, CPython notes in the table of keys (Objects/dictobject.c, `dk_kind` in
   Include/internal/pycore_dict.h). The place of that note is not public, so it is tried out when the module is loaded;
   where it is not as expected, there is no brisk walk. */

#include "plan.h"

#define KIND_OFFSET (sizeof(Py_ssize_t) + 2 * sizeof(uint8_t))

static bool kinds_are_known = false;

static int
kind_of_keys(PyObject *dict)
{
    return ((const uint8_t *)((PyDictObject *)dict)->ma_keys)[KIND_OFFSET];
}

/* Tell whether a dictionary with this key has a table of that kind. */
static bool
is_noted(PyObject *key, bool as_string)
{
    PyObject *dict = PyDict_New();
    bool noted = dict != NULL && key != NULL && kind_of_keys(dict) == 1 && PyDict_SetItem(dict, key, Py_None) == 0 &&
                 kind_of_keys(dict) == (as_string ? 1 : 0);
    Py_XDECREF(dict);
    Py_XDECREF(key);
    return noted;
}

int
try_kinds_of_keys(void)
{
    kinds_are_known = !HAS_VERSIONS && is_noted(PyUnicode_FromString("a key of brisk.c"), true) &&
                      is_noted(PyLong_FromLong(1), false) && is_noted(PyTuple_New(0), false);
    return PyErr_Occurred() ? -1 : 0;
}

static bool
look_up(Step *step, PyObject *dict, PyObject **slots)
{
    if (!PyDict_Check(dict) || kind_of_keys(dict) == 0) {
        return false;
    }
    for (Py_ssize_t index = 0; index < step->lookup_count; index++) {
        Lookup *lookup = &step->lookups[index];
        PyObject *value = at_its_place(lookup, dict);
        if (value == NULL) {
            value = PyDict_GetItemWithError(dict, lookup->key);
        }
        if ((value != NULL) != (lookup->slot >= 0)) {
            return false;
        }
        if (value != NULL) {
            slots[lookup->slot] = value;
        }
    }
    return step->keys == NULL || keys_are(dict, step->keys);
}

static bool
look_up_in_known_class(const Step *step, PyObject *class, PyObject **slots)
{
    if (class != step->cached || step->version == 0 || class_version_of(class) != step->version) {
        return false;
    }
    for (Py_ssize_t index = 0; index < step->lookup_count; index++) {
        const Lookup *lookup = &step->lookups[index];
        if (lookup->slot >= 0) {
            slots[lookup->slot] = lookup->found;
        }
    }
    return true;
}

static PyObject *
instance_dict(PyObject *subject)
{
    PyObject **place = PyType_Check(subject) ? NULL : _PyObject_GetDictPtr(subject);
    return place == NULL ? NULL : *place;
}

bool
brisk_walk(Plan *plan, PyObject *const *arguments)
{
    PyObject **slots = plan->slots;
    for (Py_ssize_t index = 0; index < plan->input_count; index++) {
        slots[index] = arguments[index];
    }
    for (Py_ssize_t index = 0; index < plan->step_count; index++) {
        Step *step = &plan->steps[index];
        PyObject *subject = slots[step->subject];
        bool right;
        switch (step->kind) {
        case ITEM:
            right = look_up(step, subject, slots);
            break;
        case CLASS_ATTRIBUTE:
            right = look_up_in_known_class(step, subject, slots);
            break;
        case INSTANCE_DICT:
            right = (slots[step->result] = instance_dict(subject)) != NULL;
            break;
        case FALSY: /* hooks, of which a module has four dictionaries */
            right = PyDict_CheckExact(subject) || PyODict_CheckExact(subject) ? PyDict_GET_SIZE(subject) == 0
                                                                              : holds(step, subject);
            break;
        default:
            right = plain_step(step, slots);
        }
        if (!right) {
            return false;
        }
    }
    return true;
}

bool
can_be_brisk(void)
{
    return kinds_are_known;
}
