/* All steps of a plan, for one call: a quick walk (quick.c) or a brisk one (brisk.c) if possible, else the full walk.

   The full walk looks everything up and holds a reference to every slot: a look-up compares keys, and a key of the
   user's may run any code. */

#include "plan.h"

#include <string.h>

/* How often a key may be found elsewhere than last time, and how far it is looked for, before its place is forgotten. */
#define MOVES 4
#define NEAR 64

/* Return what a key has at the place where it was found last, borrowed, or NULL. No key is compared but by its address. */
PyObject *
at_its_place(const Lookup *lookup, PyObject *dict)
{
    Py_ssize_t position = lookup->place;
    PyObject *key, *value;
    return position >= 0 && PyDict_Next(dict, &position, &key, &value) && key == lookup->key ? value : NULL;
}

/* Find the place of a key that is in a dictionary: in a large one, not far behind the key before it. */
static void
find_place(Lookup *lookup, PyObject *dict, Py_ssize_t from)
{
    PyObject *key;
    lookup->place = -1;
    if (lookup->misplaced > MOVES) {
        return;
    }
    lookup->misplaced++;
    from = PyDict_GET_SIZE(dict) <= NEAR ? 0 : from;
    Py_ssize_t next = from, position = from;
    while (next - from < NEAR && PyDict_Next(dict, &next, &key, NULL)) {
        if (key == lookup->key) {
            lookup->place = position;
            return;
        }
        position = next;
    }
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
    Py_ssize_t place = 0; /* of the key before */
    for (Py_ssize_t index = 0; index < step->lookup_count; index++) {
        Lookup *lookup = &step->lookups[index];
        PyObject *value = at_its_place(lookup, dict);
        if (value == NULL) {
            value = PyDict_GetItemWithError(dict, lookup->key);
            if (value != NULL && lookup->slot >= 0) {
                find_place(lookup, dict, place);
            }
        }
        place = lookup->place < 0 ? place : lookup->place;
        if (lookup->slot >= 0) {
            if (value == NULL) {
                return false;
            }
            slots[lookup->slot] = Py_NewRef(value);
        }
        else if (value != NULL || PyErr_Occurred()) {
            return false;
        }
    }
    return step->keys == NULL || keys_are(dict, step->keys);
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
    case TYPE:
        return Py_NewRef(Py_TYPE(subject));
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
    case CLASS_ATTRIBUTE:
        return look_up_in_class(step, subject, slots);
    case INSTANCE_DICT:
    case TUPLE_ITEM:
    case LIST_ITEM:
    case CELL:
    case REFERENT:
    case TYPE:
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

/* Return what is to be handed out, still empty, or NULL. This may collect garbage, and so run any code. */
static PyObject *
empty_result(Plan *plan)
{
    PyObject *found = PyTuple_New(plan->output_count);
    for (Py_ssize_t index = 0; found != NULL && index < plan->output_count; index++) {
        Output *output = &plan->outputs[index];
        if (!output->single) {
            PyObject *group = (PyObject *)new_values((PyObject *)plan, &output->buffer);
            if (group == NULL) {
                Py_CLEAR(found);
                break;
            }
            PyTuple_SET_ITEM(found, index, group);
        }
    }
    return found;
}

/* Tell the processor that what an object is a shell of will be read soon.

   The values of a group are handed to a function that reads them all: torch's check of tensors, each of which is a
   pointer after an object's header. Those of a large module lie scattered, and without this the check waits for each. */
static void
announce_body(PyObject *object)
{
    if (Py_TYPE(object)->tp_basicsize < (Py_ssize_t)(sizeof(PyObject) + 2 * sizeof(void *))) {
        return;
    }
    void *const *body = (void *const *)(object + 1);
    for (int word = 0; word < 2; word++) {
        for (int line = 0; line < 4; line++) {
            prefetch((char *)body[word] + 64 * line);
        }
    }
}

static PyObject *
fill(PyObject *found, const Plan *plan, PyObject *const *slots)
{
    for (Py_ssize_t index = 0; index < plan->output_count; index++) {
        const Output *output = &plan->outputs[index];
        if (output->single) {
            PyTuple_SET_ITEM(found, index, Py_NewRef(slots[output->slots[0]]));
            continue;
        }
        Values *group = (Values *)PyTuple_GET_ITEM(found, index);
        for (Py_ssize_t at = 0; at < output->count; at++) {
            if (at + AHEAD < output->count) {
                prefetch(slots[output->slots[at + AHEAD]]);
            }
            PyObject *value = slots[output->slots[at]];
            announce_body(value);
            add_value(group, value);
        }
    }
    return found;
}

/* How often in vain a plan writes down what it finds before it does so ever more rarely. */
#define PATIENCE 4
#define LONGEST_REST 256

/* Let the next call try the quick walk; but where calls alternate between objects, it is in vain each time. */
static void
learn(Plan *plan, PyObject *const *slots)
{
    if (plan->rest > 0) {
        plan->rest--;
        return;
    }
    if (HAS_VERSIONS) {
        write_down(plan, slots);
    }
    else {
        memcpy(plan->slots, slots, plan->slot_count * sizeof(PyObject *)); /* the constants among them stay */
    }
    plan->learned = HAS_VERSIONS || can_be_brisk();
    plan->vain++;
    if (plan->vain > PATIENCE) {
        unsigned steps = plan->vain - PATIENCE;
        plan->rest = steps < 8 ? 1u << steps : LONGEST_REST;
    }
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
    PyObject *found = passed ? empty_result(plan) : NULL;
    if (found != NULL) {
        fill(found, plan, slots);
        /* A walk inside this one, started by a key's `__eq__`, has mixed its findings with ours. */
        if (number == plan->walks) {
            learn(plan, slots);
        }
    }
    for (Py_ssize_t index = 0; index < plan->slot_count; index++) {
        Py_XDECREF(slots[index]);
    }
    PyMem_Free(slots);
    return found;
}

PyObject *
walk(Plan *plan, PyObject *const *arguments)
{
    if (plan->steps == NULL) { /* cleared by the garbage collector */
        return NULL;
    }
    if (plan->learned) {
        PyObject *found = empty_result(plan); /* first: these walks are not to be interrupted */
        if (found == NULL) {
            return NULL;
        }
        if (plan->learned && (HAS_VERSIONS ? quick_walk(plan, arguments) : brisk_walk(plan, arguments))) {
            plan->vain = 0;
            return fill(found, plan, plan->slots);
        }
        Py_DECREF(found);
    }
    return full_walk(plan, arguments);
}
