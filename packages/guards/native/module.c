/* The extension module `framelift_guards._accelerator`. */

#include "plan.h"

static int
set_up_module(PyObject *module)
{
    return PyModule_AddType(module, &PlanType) < 0 ? -1 : PyModule_AddType(module, &ImagesType);
}

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
    .m_doc = "Check plans and images: see framelift_guards.plan and framelift_guards.torch.images.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__accelerator(void)
{
    return PyModuleDef_Init(&definition);
}
