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
   each object to find the next. The row is as short as can be, two words an assertion, the kind in the lowest bits of
   the first: what a check reads, the work behind it finds no longer in the processor's caches.

   Watchers (3.12) were rejected: they tell no more than versions do, and cost a call for each change. CPython 3.13 has
   no versions, and the values of an object's attributes change past its dictionary: there walks are brisk (brisk.c). */

#include "plan.h"

#include <string.h>

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

/* Assertions: what the first word is the address of, and the second. All references are borrowed. */
enum {
    THE_STEP,    /* a step, which is done as it stands */
    THE_VERSION, /* a dictionary; its version */
    THE_MRO,     /* a class; its version */
    /* From here on the second word is an address, too. */
    THE_TYPE,    /* an object; its class, or, with the lowest bit set, a weak reference to that */
    THE_DICT,    /* an object; its `__dict__` */
    THE_EMPTY,   /* a dictionary that is empty; another */
    THE_CODE,    /* a function; its code */
    THE_LENGTH,  /* a container; its length */
};
#define KIND_MASK ((uint64_t)7)

static uint64_t
word_of(const void *address)
{
    return (uint64_t)(uintptr_t)address;
}

static void
write_one(Plan *plan, int kind, const void *subject, uint64_t second)
{
    *plan->row_end++ = (Assertion){word_of(subject) | (uint64_t)kind, second};
}

/* Two dictionaries that are empty are one assertion, where they follow each other. */
static void
write_empty(Plan *plan, PyObject *dict)
{
    Assertion *last = plan->row_end - 1;
    if (plan->row_end > plan->row && (last->first & KIND_MASK) == THE_EMPTY && last->first == (last->second | THE_EMPTY)) {
        last->second = word_of(dict);
    }
    else {
        write_one(plan, THE_EMPTY, dict, word_of(dict));
    }
}

static void
write_settled(Plan *plan, const Step *step, PyObject *subject)
{
    switch (step->kind) {
    case TYPE_IS:
        write_one(plan, THE_TYPE, subject, word_of(step->expected) | (step->weak ? 1 : 0));
        break;
    case INSTANCE_DICT:
        write_one(plan, THE_DICT, subject, word_of(step->cached));
        write_one(plan, THE_VERSION, step->cached, step->version);
        break;
    case ITEM:
        if (!step->of_instance) { /* else it was written down with the instance */
            write_one(plan, THE_VERSION, subject, step->version);
        }
        break;
    case CLASS_ATTRIBUTE:
        write_one(plan, THE_MRO, subject, step->version);
        break;
    case FALSY:
        if (PyDict_CheckExact(subject) || PyODict_CheckExact(subject)) {
            write_empty(plan, subject);
            break;
        }
        /* fall through */
    case LENGTH:
        if (!is_immutable(subject)) {
            write_one(plan, THE_LENGTH, subject, step->kind == FALSY ? 0 : (uint64_t)step->number);
        }
        break;
    case CODE_IS:
        write_one(plan, THE_CODE, subject, word_of(step->expected));
        break;
    default:
        write_one(plan, THE_STEP, step, 0);
    }
}

void
write_down(Plan *plan, PyObject *const *slots)
{
    memcpy(plan->slots, slots, plan->slot_count * sizeof(PyObject *));
    plan->row_end = plan->row;
    for (Py_ssize_t index = 0; index < plan->step_count; index++) {
        const Step *step = &plan->steps[index];
        if (step->settled) {
            continue;
        }
        if (step->subject_settled) {
            write_settled(plan, step, slots[step->subject]);
        }
        else {
            write_one(plan, THE_STEP, step, 0);
        }
    }
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
    default:
        return plain_step(step, slots);
    }
}

static bool
has_class(PyObject *object, uint64_t expected)
{
    PyObject *class = (PyObject *)(uintptr_t)(expected & ~(uint64_t)1);
    if (expected & 1) {
        class = referent(class);
    }
    return class == (PyObject *)Py_TYPE(object);
}

static bool
has_dict(PyObject *object, uint64_t expected)
{
    PyObject **place = _PyObject_GetDictPtr(object);
    return place != NULL && word_of(*place) == expected;
}

static bool
is_right(const Assertion *assertion, PyObject **slots)
{
    PyObject *subject = (PyObject *)(uintptr_t)(assertion->first & ~KIND_MASK);
    uint64_t second = assertion->second;
    switch (assertion->first & KIND_MASK) {
    case THE_STEP:
        return quick_step((const Step *)subject, slots);
    case THE_VERSION:
        return version_of(subject) == second;
    case THE_MRO:
        return second != 0 && class_version_of(subject) == second;
    case THE_TYPE:
        return has_class(subject, second);
    case THE_DICT:
        return has_dict(subject, second);
    case THE_EMPTY:
        return PyDict_GET_SIZE(subject) == 0 && PyDict_GET_SIZE((PyObject *)(uintptr_t)second) == 0;
    case THE_CODE:
        return word_of(PyFunction_GET_CODE(subject)) == second;
    default:
        return built_in_length(subject) == (Py_ssize_t)second;
    }
}

static void
announce(const Assertion *assertion)
{
    char *subject = (char *)(uintptr_t)(assertion->first & ~KIND_MASK);
    prefetch(subject);
    if ((assertion->first & KIND_MASK) > THE_MRO) {
        prefetch(subject - sizeof(PyObject *) * 3); /* where 3.11 and 3.12 keep `__dict__` */
        prefetch((char *)(uintptr_t)assertion->second);
    }
}

bool
quick_walk(Plan *plan, PyObject *const *arguments)
{
    PyObject **slots = plan->slots;
    for (Py_ssize_t index = 0; index < plan->input_count; index++) {
        slots[index] = arguments[index];
    }
    const Assertion *end = plan->row_end;
    for (const Assertion *assertion = plan->row; assertion < end; assertion++) {
        announce(assertion + FAR); /* the row ends with as many empty places */
        if (!is_right(assertion, slots)) {
            return false;
        }
    }
    return true;
}
