/* All steps of a plan, for one call.

   The full walk looks everything up and holds a reference to every slot: a look-up compares keys, and a key of the
   user's may run any code.

   The quick walk looks nothing up. CPython 3.11 and 3.12 give a dictionary a new version, unique in the process (in the
   interpreter, from 3.12 on), whenever a key or a value changes (PEP 509; Objects/dictobject.c, `DICT_NEXT_VERSION`).
   So where a dictionary is the one that was seen, with the version that was seen, it holds what was found in it by the
   last full walk that passed, and that lives because the dictionary does. The quick walk compares the versions of all
   dictionaries on the way and looks again at everything that can change without a dictionary noticing: the class of an
   object, its `__dict__`, what a list, a set or a cell holds. It allocates nothing and runs no code but its own, so
   its references are borrowed. Watchers (3.12) were rejected: they tell no more than versions do, and cost a call for
   each change. CPython 3.13 has no versions, and the values of an object's attributes change past its dictionary:
   there every walk is a full one. */

#include "plan.h"

#define HAS_VERSIONS (PY_VERSION_HEX < 0x030D0000)

static uint64_t
version_of(PyObject *dict)
{
#if HAS_VERSIONS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return ((PyDictObject *)dict)->ma_version_tag;
#pragma GCC diagnostic pop
#else
    (void)dict;
    return 0;
#endif
}

/* Look up all keys of one dictionary; the slots get references of their own. */
static bool
look_up(Step *step, PyObject *dict, PyObject **slots)
{
    if (!PyDict_Check(dict)) {
        return false;
    }
    step->cached = dict;
    step->version = version_of(dict); /* before any code of the user's can change it */
    for (Py_ssize_t index = 0; index < step->lookup_count; index++) {
        Lookup *lookup = &step->lookups[index];
        PyObject *value = PyDict_GetItemWithError(dict, lookup->key);
        if (lookup->slot >= 0) {
            if (value == NULL) {
                return false;
            }
            slots[lookup->slot] = Py_NewRef(value);
            lookup->cached = value;
        }
        else if (value != NULL || PyErr_Occurred()) {
            return false;
        }
    }
    return step->keys == NULL || keys_are(dict, step->keys);
}

static PyObject *
element(const Step *step, PyObject *subject)
{
    Py_ssize_t index = step->number;
    if (step->kind == TUPLE_ITEM) {
        return PyTuple_CheckExact(subject) && index < PyTuple_GET_SIZE(subject) ? PyTuple_GET_ITEM(subject, index) : NULL;
    }
    return PyList_CheckExact(subject) && index < PyList_GET_SIZE(subject) ? PyList_GET_ITEM(subject, index) : NULL;
}

/* Return a new reference to what a step other than ITEM produces, or NULL. */
static PyObject *
produce(const Step *step, PyObject *subject)
{
    switch (step->kind) {
    case INSTANCE_DICT:
        return PyType_Check(subject) ? NULL : PyObject_GenericGetDict(subject, NULL);
    case TUPLE_ITEM:
    case LIST_ITEM:
        return Py_XNewRef(element(step, subject));
    case CELL:
        return PyCell_Check(subject) ? PyCell_Get(subject) : NULL;
    case REFERENT:
        return Py_XNewRef(referent(subject));
    default:
        return NULL;
    }
}

static bool
full_step(Step *step, PyObject **slots)
{
    PyObject *subject = slots[step->subject];
    switch (step->kind) {
    case ITEM:
        return look_up(step, subject, slots);
    case INSTANCE_DICT:
    case TUPLE_ITEM:
    case LIST_ITEM:
    case CELL:
    case REFERENT:
        step->cached = slots[step->result] = produce(step, subject);
        if (step->cached != NULL && step->kind == INSTANCE_DICT) {
            step->version = version_of(step->cached);
        }
        return step->cached != NULL;
    case SAME:
        return subject == slots[step->result];
    case DIFFERENT:
        return subject != slots[step->result];
    default:
        return holds(step, subject);
    }
}

static PyObject *
fill(PyObject *found, const Plan *plan, PyObject *const *slots)
{
    for (Py_ssize_t index = 0; index < plan->output_count; index++) {
        PyTuple_SET_ITEM(found, index, Py_NewRef(slots[plan->outputs[index]]));
    }
    return found;
}

static PyObject *
full_walk(Plan *plan, PyObject *const *arguments)
{
    PyObject **slots = PyMem_Calloc(plan->slot_count, sizeof(PyObject *));
    if (slots == NULL) {
        return NULL;
    }
    Py_ssize_t filled = 0;
    for (; filled < plan->input_count; filled++) {
        slots[filled] = Py_NewRef(arguments[filled]);
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(plan->constants); index++) {
        slots[filled++] = Py_NewRef(PyTuple_GET_ITEM(plan->constants, index));
    }
    plan->learned = false;
    uint64_t number = ++plan->walks;
    bool passed = true;
    for (Py_ssize_t index = 0; passed && index < plan->step_count; index++) {
        passed = full_step(&plan->steps[index], slots);
    }
    PyObject *found = passed ? PyTuple_New(plan->output_count) : NULL;
    if (found != NULL) {
        fill(found, plan, slots);
        /* A walk inside this one, started by a key's `__eq__`, has mixed its findings with ours. */
        plan->learned = HAS_VERSIONS && number == plan->walks;
    }
    for (Py_ssize_t index = 0; index < plan->slot_count; index++) {
        Py_XDECREF(slots[index]);
    }
    PyMem_Free(slots);
    return found;
}

static bool
quick_step(const Step *step, PyObject **slots)
{
    PyObject *subject = slots[step->subject];
    switch (step->kind) {
    case ITEM:
        /* The cached dictionary may be gone; the subject is not: so first the addresses, then the subject's version. */
        if (subject != step->cached || version_of(subject) != step->version) {
            return false;
        }
        for (Py_ssize_t index = 0; index < step->lookup_count && step->lookups[index].live; index++) {
            slots[step->lookups[index].slot] = step->lookups[index].cached;
        }
        return true;
    case INSTANCE_DICT: {
        PyObject **place = _PyObject_GetDictPtr(subject);
        /* A dictionary that was made just now, for an object that had none, may lie where another did: hence the version. */
        if (place == NULL || *place == NULL || *place != step->cached || version_of(*place) != step->version) {
            return false;
        }
        slots[step->result] = *place;
        return true;
    }
    case TUPLE_ITEM:
    case LIST_ITEM:
        slots[step->result] = step->settled ? step->cached : element(step, subject);
        return slots[step->result] != NULL;
    case CELL:
        return PyCell_Check(subject) && (slots[step->result] = PyCell_GET(subject)) != NULL;
    case REFERENT:
        return (slots[step->result] = referent(subject)) != NULL;
    case SAME:
        return subject == slots[step->result];
    case DIFFERENT:
        return subject != slots[step->result];
    default:
        return holds(step, subject);
    }
}

static PyObject *
quick_walk(Plan *plan, PyObject *const *arguments)
{
    PyObject *found = PyTuple_New(plan->output_count); /* first: it may collect garbage, and so run any code */
    if (found == NULL) {
        return NULL;
    }
    PyObject **slots = plan->slots;
    for (Py_ssize_t index = 0; index < plan->input_count; index++) {
        slots[index] = arguments[index];
    }
    for (Py_ssize_t index = 0; index < plan->quick_count; index++) {
        if (!quick_step(plan->quick[index], slots)) {
            Py_DECREF(found);
            return NULL;
        }
    }
    return fill(found, plan, slots);
}

PyObject *
walk(Plan *plan, PyObject *const *arguments)
{
    if (plan->steps == NULL) { /* cleared by the garbage collector */
        return NULL;
    }
    PyObject *found = plan->learned ? quick_walk(plan, arguments) : NULL;
    return found != NULL || PyErr_Occurred() ? found : full_walk(plan, arguments);
}
