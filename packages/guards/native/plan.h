/* A check plan: guards as a list of steps over slots.

   A slot holds one object during a call. The first slots are the arguments, then come the constants, then one slot for
   each step that produces a value. No step runs code of the user's where generated Python would not: types are compared
   exactly, and what a step cannot decide without asking a stranger counts as "not known to hold"; the caller then asks
   generated Python, which is the truth. */

#ifndef FRAMELIFT_PLAN_H
#define FRAMELIFT_PLAN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of framelift_guards/plan.py. */
typedef enum {
    INSTANCE_DICT = 0, /* produces the instance dictionary */
    ITEM = 1,          /* produces the value of a string key of a dictionary */
    LACKS = 2,         /* a string key is not in a dictionary */
    KEYS = 3,          /* the keys of a dictionary, in order */
    TUPLE_ITEM = 4,    /* produces an element of a tuple */
    LIST_ITEM = 5,     /* produces an element of a list */
    CELL = 6,          /* produces the contents of a cell */
    REFERENT = 7,      /* produces what a weak reference refers to */
    TYPE = 8,          /* produces the class of an object */
    CLASS_ATTRIBUTE = 9, /* produces what `cls.name` is, of a class whose metaclass is `type` */
    CLASS_STATIC = 10, /* produces what is found along the MRO, without descriptors or the metaclass */
    CLASS_LACKS = 11,  /* a class whose metaclass is `type` has no such attribute */
    TYPE_IS = 12,
    IS = 13,
    IS_NOT = 14,
    EQUALS = 15,
    CODE_IS = 16,      /* a Python function with that code */
    FALSY = 17,
    LENGTH = 18,
    SAME = 19,
    DIFFERENT = 20,
    STEP_KINDS
} StepKind;

/* One look-up in a dictionary or a class, of a key that is there (slot >= 0) or not (slot < 0). */
typedef struct {
    PyObject *key;
    Py_ssize_t slot;
    Py_ssize_t place;     /* of a dictionary: where the key was found last, as `PyDict_Next` counts; -1: not known */
    unsigned misplaced;   /* how often it was not there */
    bool in_mro;          /* of a class: without descriptors or the metaclass */
    PyObject *found;      /* of a class: what it held, borrowed; right while the class has the version that it had */
} Lookup;

typedef struct {
    StepKind kind;
    Py_ssize_t subject;
    Py_ssize_t result;    /* the slot that it produces, or the other slot of SAME and DIFFERENT */
    PyObject *expected;   /* an object, or a weak reference to it */
    bool weak;            /* whether `expected` is a weak reference to what is expected */
    bool settled;         /* whether it follows from versions of dictionaries: the quick walk leaves it out */
    bool subject_settled; /* whether the quick walk knows its subject beforehand */
    bool of_instance;     /* of ITEM: whether its subject is the dictionary of an instance */
    Py_ssize_t number;    /* index, length */
    /* ITEM, LACKS and KEYS of one dictionary are one step, ITEM; those of one class are one CLASS_ATTRIBUTE: */
    Lookup *lookups;
    Py_ssize_t lookup_count;
    PyObject *keys;       /* a tuple, or NULL */
    PyObject *cached;     /* borrowed: only ever compared, never followed, before the version was found unchanged */
    uint64_t version;
} Step;

/* Memory for values that is there for each call. Its first place is free: see values.c. */
typedef struct {
    PyObject **block;
    Py_ssize_t capacity;
    bool taken;           /* by a call that is under way */
} Buffer;

typedef struct {
    PyObject_HEAD
    PyObject *owner;      /* whose buffer it is; NULL: the block is its own */
    Buffer *buffer;
    PyObject **block;
    Py_ssize_t count;
} Values;

/* What a plan hands out: the value of one slot, or those of several as `Values`. */
typedef struct {
    Py_ssize_t *slots;
    Py_ssize_t count;
    bool single;
    Buffer buffer;
} Output;

/* One assertion of the quick walk: see quick.c. */
typedef struct {
    uint64_t first;
    uint64_t second;
} Assertion;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Py_ssize_t input_count;
    Py_ssize_t slot_count;
    PyObject *constants;  /* a tuple: the slots after the inputs */
    Step *steps;
    Py_ssize_t step_count;
    Output *outputs;
    Py_ssize_t output_count;
    Assertion *row;       /* what the quick walk does, as the last full walk that passed wrote it down */
    Assertion *row_end;
    PyObject **slots;     /* of the quick and the brisk walk, which nothing interrupts: borrowed references */
    bool learned;         /* whether the quick or the brisk walk may be tried */
    uint64_t walks;       /* how many full walks have begun */
    unsigned vain;        /* how many quick walks in a row have led to full ones that passed */
    unsigned rest;        /* how many full walks are not written down from now on */
} Plan;

/* Tell the processor that an address will be read soon. It need not be one that can be read. */
#if defined(__GNUC__)
#define prefetch(address) __builtin_prefetch(address)
#else
#define prefetch(address) ((void)(address))
#endif

/* How many objects ahead the processor is told so, and how many assertions, which read less. */
#define AHEAD 8
#define FAR 16


/* checks.c: one object against what is expected of it. */
bool holds(const Step *step, PyObject *value);
PyObject *referent(PyObject *reference); /* borrowed while somebody else holds it; NULL when it has died */
bool keys_are(PyObject *dict, PyObject *keys);
Py_ssize_t built_in_length(PyObject *value);
PyObject *element(const Step *step, PyObject *subject); /* borrowed, or NULL */
bool plain_step(const Step *step, PyObject **slots);

/* class.c: attributes of classes. */
uint64_t class_version_of(PyObject *class); /* 0: it has none now */
bool look_up_in_class(Step *step, PyObject *class, PyObject **slots);

/* quick.c */
#define HAS_VERSIONS (PY_VERSION_HEX < 0x030D0000)
uint64_t version_of(PyObject *dict);
void write_down(Plan *plan, PyObject *const *slots);
bool quick_walk(Plan *plan, PyObject *const *arguments);

/* brisk.c */
int try_kinds_of_keys(void);
bool can_be_brisk(void);
bool brisk_walk(Plan *plan, PyObject *const *arguments);

/* walk.c */
PyObject *at_its_place(const Lookup *lookup, PyObject *dict);

/* All steps, for one call. NULL without an exception: not known to hold. */
PyObject *walk(Plan *plan, PyObject *const *arguments);

extern PyTypeObject PlanType;

/* images.c */
extern PyTypeObject ImagesType;

/* joint.c */
extern PyTypeObject JointCheckType;

/* state.c */
extern PyTypeObject StateCheckType;
PyObject *code_of(PyObject *module, PyObject *function);

/* values.c */
extern PyTypeObject ValuesType;
bool set_up_buffer(Buffer *buffer, Py_ssize_t capacity);
Values *new_values(PyObject *owner, Buffer *buffer);
PyObject *apply(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

static inline void
add_value(Values *values, PyObject *value)
{
    values->block[++values->count] = Py_NewRef(value);
}

#endif
