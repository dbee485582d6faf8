/* The Python type `CheckPlan`: made from a description, called with arguments. */

#include "plan.h"

#include <stddef.h>
#include <string.h>

static bool
produces(StepKind kind)
{
    return kind == INSTANCE_DICT || (kind >= TUPLE_ITEM && kind <= TYPE);
}

static bool
looks_up_in_dict(StepKind kind)
{
    return kind == ITEM || kind == LACKS || kind == KEYS;
}

static bool
looks_up_in_class(StepKind kind)
{
    return kind == CLASS_ATTRIBUTE || kind == CLASS_STATIC || kind == CLASS_LACKS;
}

static int
clear(Plan *plan)
{
    Step *steps = plan->steps;
    Py_ssize_t count = plan->step_count;
    plan->steps = NULL;
    plan->step_count = 0;
    plan->row_end = plan->row;
    plan->learned = false;
    for (Py_ssize_t index = 0; index < count; index++) {
        for (Py_ssize_t at = 0; at < steps[index].lookup_count; at++) {
            Py_XDECREF(steps[index].lookups[at].key);
        }
        PyMem_Free(steps[index].lookups);
        Py_XDECREF(steps[index].expected);
        Py_XDECREF(steps[index].keys);
    }
    PyMem_Free(steps);
    Py_CLEAR(plan->constants);
    return 0;
}

static int
traverse(Plan *plan, visitproc visit, void *arg)
{
    Py_VISIT(plan->constants);
    for (Py_ssize_t index = 0; index < plan->step_count; index++) {
        Py_VISIT(plan->steps[index].expected);
        Py_VISIT(plan->steps[index].keys);
    }
    return 0;
}

static void
dealloc(Plan *plan)
{
    PyObject_GC_UnTrack(plan);
    clear(plan);
    PyMem_Free(plan->row);
    for (Py_ssize_t index = 0; index < plan->output_count; index++) {
        PyMem_Free(plan->outputs[index].slots);
        PyMem_Free(plan->outputs[index].buffer.block);
    }
    PyMem_Free(plan->outputs);
    PyMem_Free(plan->slots);
    Py_TYPE(plan)->tp_free((PyObject *)plan);
}

static bool
add_lookup(Step *step, PyObject *key, Py_ssize_t slot, bool in_mro)
{
    if (!PyUnicode_CheckExact(key)) {
        PyErr_Format(PyExc_TypeError, "a key of a plan must be a string, not %R", (PyObject *)Py_TYPE(key));
        return false;
    }
    if (PyObject_Hash(key) == -1) { /* kept in the string: no look-up has to make it */
        return false;
    }
    Lookup *lookups = PyMem_Realloc(step->lookups, (step->lookup_count + 1) * sizeof(Lookup));
    if (lookups == NULL) {
        PyErr_NoMemory();
        return false;
    }
    step->lookups = lookups;
    Lookup *lookup = &lookups[step->lookup_count++];
    *lookup = (Lookup){.key = Py_NewRef(key), .slot = slot, .place = -1, .in_mro = in_mro};
    PyUnicode_InternInPlace(&lookup->key); /* names of attributes are, so most keys are found by their address */
    return true;
}

static bool
set_keys(Step *step, PyObject *keys)
{
    if (!PyTuple_CheckExact(keys)) {
        PyErr_SetString(PyExc_TypeError, "the keys of a plan must be a tuple");
        return false;
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(keys); index++) {
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(keys, index))) {
            PyErr_SetString(PyExc_TypeError, "the keys of a plan must be strings");
            return false;
        }
    }
    Py_XSETREF(step->keys, Py_NewRef(keys));
    return true;
}

/* Add one described step; those that ask the same dictionary or class become one. */
static bool
add_step(Plan *plan, Step **asking, PyObject *description)
{
    int kind;
    Py_ssize_t subject;
    PyObject *argument;
    if (!PyArg_ParseTuple(description, "inO;a step is a tuple (kind, slot, argument)", &kind, &subject, &argument)) {
        return false;
    }
    if (kind < 0 || kind >= STEP_KINDS || subject < 0 || subject >= plan->slot_count) {
        PyErr_Format(PyExc_ValueError, "no step of kind %d on slot %zd in a plan of %zd slots so far", kind, subject,
                     plan->slot_count);
        return false;
    }
    Step *step = &plan->steps[plan->step_count];
    if (looks_up_in_dict(kind) || looks_up_in_class(kind)) {
        StepKind together = looks_up_in_dict(kind) ? ITEM : CLASS_ATTRIBUTE;
        if (asking[subject] == NULL) {
            asking[subject] = step;
            *step = (Step){.kind = together, .subject = subject};
            plan->step_count++;
        }
        step = asking[subject];
        if (step->kind != together) {
            PyErr_Format(PyExc_ValueError, "slot %zd of a plan cannot be both a dictionary and a class", subject);
            return false;
        }
        if (kind == KEYS) {
            return set_keys(step, argument);
        }
        bool lacks = kind == LACKS || kind == CLASS_LACKS;
        return add_lookup(step, argument, lacks ? -1 : plan->slot_count++, kind == CLASS_STATIC);
    }
    *step = (Step){.kind = kind, .subject = subject};
    plan->step_count++;
    if (produces(kind)) {
        step->result = plan->slot_count++;
    }
    if (kind == TUPLE_ITEM || kind == LIST_ITEM || kind == LENGTH || kind == SAME || kind == DIFFERENT) {
        step->number = PyLong_AsSsize_t(argument);
        if (step->number < 0) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_ValueError, "a step needs an index, a length or a slot, not %zd", step->number);
            }
            return false;
        }
        if (kind == SAME || kind == DIFFERENT) {
            if (step->number >= plan->slot_count) {
                PyErr_Format(PyExc_ValueError, "no slot %zd in a plan of %zd slots so far", step->number,
                             plan->slot_count);
                return false;
            }
            step->result = step->number;
        }
        return true;
    }
    if (kind == TYPE_IS || kind == IS || kind == IS_NOT || kind == EQUALS || kind == CODE_IS) {
        step->expected = Py_NewRef(argument);
        step->weak = kind != EQUALS && kind != CODE_IS && PyWeakref_CheckRefExact(argument);
    }
    return true;
}

/* Tell whether no instance can come to be of another class: `__class__` is for instances of heap types, and modules. */
static bool
type_is_for_life(const Step *step)
{
    return !step->weak && PyType_Check(step->expected) && step->expected != (PyObject *)&PyModule_Type &&
           !PyType_HasFeature((PyTypeObject *)step->expected, Py_TPFLAGS_HEAPTYPE);
}

/* Find out which steps follow from the versions of dictionaries: see quick.c. */
static bool
settle(Plan *plan)
{
    bool *settled = PyMem_Calloc(plan->slot_count + 1, sizeof(bool)); /* slots whose value follows from versions */
    bool *instance = PyMem_Calloc(plan->slot_count + 1, sizeof(bool)); /* those that hold the dictionary of an instance */
    plan->row = plan->row_end = PyMem_Calloc(2 * plan->step_count + FAR + 1, sizeof(Assertion));
    plan->slots = PyMem_Calloc(plan->slot_count + 1, sizeof(PyObject *));
    bool done = settled != NULL && instance != NULL && plan->row != NULL && plan->slots != NULL;
    if (!done) {
        PyErr_NoMemory();
        goto end;
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(plan->constants); index++) {
        settled[plan->input_count + index] = true;
    }
    for (Py_ssize_t index = 0; index < plan->step_count; index++) {
        Step *step = &plan->steps[index];
        step->subject_settled = settled[step->subject];
        switch (step->kind) {
        case ITEM:
        case CLASS_ATTRIBUTE:
            step->of_instance = instance[step->subject];
            for (Py_ssize_t at = 0; at < step->lookup_count; at++) {
                if (step->lookups[at].slot >= 0) {
                    settled[step->lookups[at].slot] = true;
                }
            }
            break;
        case INSTANCE_DICT: /* the quick walk demands the same one */
            settled[step->result] = instance[step->result] = true;
            break;
        case TUPLE_ITEM:
            step->settled = settled[step->result] = step->subject_settled;
            break;
        case TYPE_IS:
            step->settled = step->subject_settled && type_is_for_life(step);
            break;
        case IS:
        case IS_NOT:
        case EQUALS:
            step->settled = step->subject_settled;
            break;
        case SAME:
        case DIFFERENT:
            step->settled = step->subject_settled && settled[step->result];
            break;
        default:
            break;
        }
    }
end:
    PyMem_Free(settled);
    PyMem_Free(instance);
    return done;
}

/* Add a described output: the number of a slot, or a tuple of them. */
static bool
add_output(Plan *plan, PyObject *description)
{
    bool single = !PyTuple_CheckExact(description);
    Py_ssize_t count = single ? 1 : PyTuple_GET_SIZE(description);
    Py_ssize_t *slots = PyMem_Calloc(count + 1, sizeof(Py_ssize_t));
    if (slots == NULL) {
        PyErr_NoMemory();
        return false;
    }
    Output *output = &plan->outputs[plan->output_count++];
    *output = (Output){.slots = slots, .count = count, .single = single};
    if (!single && !set_up_buffer(&output->buffer, count)) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        slots[index] = PyLong_AsSsize_t(single ? description : PyTuple_GET_ITEM(description, index));
        if (slots[index] < 0 || slots[index] >= plan->slot_count) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_ValueError, "no slot %zd in a plan of %zd slots", slots[index], plan->slot_count);
            }
            return false;
        }
    }
    return true;
}

static bool
set_up(Plan *plan, PyObject *steps, PyObject *outputs)
{
    Py_ssize_t count = PyTuple_GET_SIZE(steps);
    plan->slot_count = plan->input_count + PyTuple_GET_SIZE(plan->constants);
    plan->steps = PyMem_Calloc(count + 1, sizeof(Step));
    plan->outputs = PyMem_Calloc(PyTuple_GET_SIZE(outputs) + 1, sizeof(Output));
    Step **asking = PyMem_Calloc(plan->slot_count + count + 1, sizeof(Step *)); /* by slot: the step that looks up in it */
    if (plan->steps == NULL || plan->outputs == NULL || asking == NULL) {
        PyMem_Free(asking);
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        if (!add_step(plan, asking, PyTuple_GET_ITEM(steps, index))) {
            PyMem_Free(asking);
            return false;
        }
    }
    PyMem_Free(asking);
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(outputs); index++) {
        if (!add_output(plan, PyTuple_GET_ITEM(outputs, index))) {
            return false;
        }
    }
    return settle(plan);
}

/* Answer a call: a tuple of the outputs, or None where not all is known to hold. */
static PyObject *
call(PyObject *self, PyObject *const *arguments, size_t flags, PyObject *names)
{
    Plan *plan = (Plan *)self;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count != plan->input_count || (names != NULL && PyTuple_GET_SIZE(names) != 0)) {
        PyErr_Format(PyExc_TypeError, "this plan takes %zd positional arguments, not %zd", plan->input_count, count);
        return NULL;
    }
    PyObject *found = walk(plan, arguments);
    if (found == NULL) {
        if (PyErr_Occurred()) { /* by a key's `__eq__`; generated Python says what becomes of it, but for an interrupt */
            if (!PyErr_ExceptionMatches(PyExc_Exception)) {
                return NULL;
            }
            PyErr_Clear();
        }
        Py_RETURN_NONE;
    }
    return found;
}

static PyObject *
new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"inputs", "constants", "steps", "outputs", NULL};
    Py_ssize_t inputs;
    PyObject *constants, *steps, *outputs;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "nO!O!O!:CheckPlan", names, &inputs, &PyTuple_Type, &constants,
                                     &PyTuple_Type, &steps, &PyTuple_Type, &outputs)) {
        return NULL;
    }
    if (inputs < 0) {
        PyErr_Format(PyExc_ValueError, "a plan cannot take %zd arguments", inputs);
        return NULL;
    }
    Plan *plan = (Plan *)type->tp_alloc(type, 0);
    if (plan == NULL) {
        return NULL;
    }
    plan->vectorcall = call;
    plan->input_count = inputs;
    plan->constants = Py_NewRef(constants);
    if (!set_up(plan, steps, outputs)) {
        Py_DECREF(plan);
        return NULL;
    }
    return (PyObject *)plan;
}

PyTypeObject PlanType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "framelift_guards._accelerator.CheckPlan",
    .tp_doc = "Steps that find values and check them; called with the inputs, it returns the outputs, or None.",
    .tp_basicsize = sizeof(Plan),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = new,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Plan, vectorcall),
};
