/* Attributes of classes, found along the MRO and remembered by the version of the class.

   CPython gives a class a version, unique in the process, when its attributes are looked up, and takes it away when the
   class or one that it inherits from changes (Objects/typeobject.c, `PyType_Modified`). So a class that has the version
   that it had has the attributes that it had. That is so on 3.13 as well, where dictionaries have no versions. */

#include "plan.h"

uint64_t
class_version_of(PyObject *class)
{
    PyTypeObject *type = (PyTypeObject *)class;
#if PY_VERSION_HEX < 0x030D0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) {
        return 0;
    }
#endif
    return type->tp_version_tag;
}

/* Tell whether `cls.name` is what the MRO holds: its type has no `__get__`, or one that gives a function itself. */
static bool
is_itself(PyObject *value)
{
    return Py_TYPE(value)->tp_descr_get == NULL || PyFunction_Check(value) || Py_IS_TYPE(value, &PyWrapperDescr_Type) ||
           Py_IS_TYPE(value, &PyMethodDescr_Type);
}

static bool
find(Lookup *lookup, PyObject *class)
{
    PyObject *value = _PyType_Lookup((PyTypeObject *)class, lookup->key);
    lookup->found = value;
    if (lookup->in_mro) {
        return value != NULL;
    }
    PyObject *of_metaclass = _PyType_Lookup(&PyType_Type, lookup->key);
    if (lookup->slot < 0) {
        return value == NULL && of_metaclass == NULL;
    }
    if (of_metaclass != NULL && Py_TYPE(of_metaclass)->tp_descr_set != NULL) {
        return false; /* a property of `type` goes before what the class holds: `__name__`, `__dict__` */
    }
    return value != NULL && is_itself(value);
}

/* Look up all attributes of one class; the slots get references of their own. */
bool
look_up_in_class(Step *step, PyObject *class, PyObject **slots)
{
    bool known = class == step->cached && step->version != 0 && class_version_of(class) == step->version;
    if (!known) {
        step->version = 0;
        if (!PyType_Check(class)) {
            return false;
        }
        step->cached = class;
    }
    for (Py_ssize_t index = 0; index < step->lookup_count; index++) {
        Lookup *lookup = &step->lookups[index];
        if (!known && ((!lookup->in_mro && !Py_IS_TYPE(class, &PyType_Type)) || !find(lookup, class))) {
            return false;
        }
        if (lookup->slot >= 0) {
            slots[lookup->slot] = Py_NewRef(lookup->found);
        }
    }
    if (!known) {
        step->version = class_version_of(class);
    }
    return true;
}
