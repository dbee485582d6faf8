/* The extension module `framelift_guards._accelerator`. */

#include "plan.h"

static int
set_up_module(PyObject *module)
{
    PyTypeObject *types[] = {&PlanType, &ImagesType, &ValuesType, &StateCheckType, &JointCheckType};
    for (size_t index = 0; index < sizeof(types) / sizeof(types[0]); index++) {
        if (PyModule_AddType(module, types[index]) < 0) {
            return -1;
        }
    }
    return try_kinds_of_keys();
}

static PyMethodDef methods[] = {
    {"apply", (PyCFunction)(void (*)(void))apply, METH_FASTCALL,
     "apply($module, function, /, *arguments)\n--\n\nCall a function; arguments that are `Values` are spread."},
    {"code_of", code_of, METH_O, "code_of($module, function, /)\n--\n\nReturn the code of a Python function."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, set_up_module},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* static types */
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "framelift_guards._accelerator",
    .m_doc = "Checks in C: see framelift_guards.accelerator.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__accelerator(void)
{
    return PyModuleDef_Init(&definition);
}
