/* The quick walk: nothing is looked up.

   CPython 3.11 and 3.12 give a dictionary a new version, unique in the process (in the interpreter, from 3.12 on),
   whenever a key or a value changes (PEP 509; Objects/dictobject.c, `DICT_NEXT_VERSION`). So where a dictionary is the
   one that was seen, with the version that was seen, it holds what the last full walk found in it, and that lives
   because the dictionary does. The quick walk compares the versions of all dictionaries on the way, and looks again at
   everything that can change without a dictionary noticing: the class of an object, its `__dict__`, what a list, a set
   or a cell holds. It allocates nothing and runs no code but its own, so its references are borrowed; each is followed
   only after the version of the dictionary that owns it was found unchanged.

   What it does is written down by a full walk that passed, as a row of small assertions about objects that are known:
   one follows from no other, so the processor fetches what they need at once, where a walk along the tree waits for
   each object to find the next.

   Watchers (3.12) were rejected: they tell no more than versions do, and cost a call for each change. CPython 3.13 has
   no versions, and the values of an object's attributes change past its dictionary: there every walk is a full one. */

#include "plan.h"

uint64_t
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

/* Tell whether a container can no longer become another than it is. */
static bool
is_immutable(PyObject *value)
{
    return value == Py_None || PyBool_Check(value) || PyTuple_CheckExact(value) || PyUnicode_CheckExact(value) ||
           PyBytes_CheckExact(value);
}

void
write_down(Plan *plan, PyObject *const *slots)
{
    Assertion *row = plan->row;
    Py_ssize_t *places = plan->places; /* by slot: one more than the place of the assertion on its object */
    Py_ssize_t count = 0;
    for (Py_ssize_t slot = 0; slot < plan->slot_count; slot++) {
        plan->slots[slot] = slots[slot];
        places[slot] = 0;
    }
    for (Py_ssize_t index = 0; index < plan->step_count; index++) {
        Step *step = &plan->steps[index];
        PyObject *subject = slots[step->subject];
        if (step->settled) {
            continue;
        }
        if (!step->subject_settled) {
            row[count++] = (Assertion){.kind = STEP, .object = (PyObject *)step};
            continue;
        }
        switch (step->kind) {
        case TYPE_IS:
            row[count] = (Assertion){.kind = OBJECT, .object = subject, .type = step->expected, .weak = step->weak};
            places[step->subject] = ++count;
            break;
        case INSTANCE_DICT:
            if (places[step->subject] == 0) {
                row[count] = (Assertion){.kind = OBJECT, .object = subject};
                places[step->subject] = ++count;
            }
            row[places[step->subject] - 1].dict = step->cached;
            row[places[step->subject] - 1].version = step->version;
            break;
        case ITEM:
            if (!step->of_instance) { /* else its version is part of the assertion on the instance */
                row[count++] = (Assertion){.kind = VERSION, .object = subject, .version = step->version};
            }
            break;
        case CLASS_ATTRIBUTE:
            row[count++] = (Assertion){.kind = CLASS, .object = subject, .version = step->version};
            break;
        case FALSY:
            if (PyDict_CheckExact(subject) || PyODict_CheckExact(subject)) {
                row[count++] = (Assertion){.kind = EMPTY, .object = subject};
                break;
            }
            if (is_immutable(subject)) {
                break;
            }
            row[count++] = (Assertion){.kind = STEP, .object = (PyObject *)step};
            break;
        case LENGTH:
            if (is_immutable(subject)) {
                break;
            }
            row[count++] = (Assertion){.kind = STEP, .object = (PyObject *)step};
            break;
        default:
            row[count++] = (Assertion){.kind = STEP, .object = (PyObject *)step};
        }
    }
    plan->row_count = count;
}

static bool
quick_step(const Step *step, PyObject **slots)
{
    PyObject *subject = slots[step->subject];
    switch (step->kind) {
    case ITEM:
        /* The dictionary of then may be gone; the subject is not: so first the addresses, then the subject's version. */
        return subject == step->cached && version_of(subject) == step->version;
    case CLASS_ATTRIBUTE:
        return subject == step->cached && step->version != 0 && class_version_of(subject) == step->version;
    case INSTANCE_DICT: {
        PyObject **place = _PyObject_GetDictPtr(subject);
        /* A dictionary that was made just now, for an object that had none, may lie where another did: so its version
           too. Making it may have run any code; then this walk ends here. */
        return place != NULL && *place != NULL && *place == step->cached && version_of(*place) == step->version;
    }
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

static bool
object_is(const Assertion *assertion)
{
    PyObject *object = assertion->object, *type = assertion->type;
    if (type != NULL) {
        if (assertion->weak) {
            type = referent(type);
        }
        if (type != (PyObject *)Py_TYPE(object)) {
            return false;
        }
    }
    if (assertion->dict != NULL) {
        PyObject **place = _PyObject_GetDictPtr(object);
        return place != NULL && *place == assertion->dict && version_of(*place) == assertion->version;
    }
    return true;
}

static void
announce(const Assertion *assertion)
{
    prefetch((char *)assertion->object - sizeof(PyObject *) * 3); /* where 3.11 and 3.12 keep `__dict__` */
    prefetch(assertion->object);
    prefetch(assertion->dict);
}

bool
quick_walk(Plan *plan, PyObject *const *arguments)
{
    PyObject **slots = plan->slots;
    for (Py_ssize_t index = 0; index < plan->input_count; index++) {
        slots[index] = arguments[index];
    }
    const Assertion *end = plan->row + plan->row_count;
    for (const Assertion *assertion = plan->row; assertion < end; assertion++) {
        bool right = false;
        announce(assertion + AHEAD); /* the row ends with as many empty places */
        switch (assertion->kind) {
        case OBJECT:
            right = object_is(assertion);
            break;
        case VERSION:
            right = version_of(assertion->object) == assertion->version;
            break;
        case CLASS:
            right = assertion->version != 0 && class_version_of(assertion->object) == assertion->version;
            break;
        case EMPTY:
            right = PyDict_GET_SIZE(assertion->object) == 0;
            break;
        case STEP:
            right = quick_step((const Step *)assertion->object, slots);
            break;
        }
        if (!right) {
            return false;
        }
    }
    return true;
}
