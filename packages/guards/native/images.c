/* Images: what objects looked like when a check of all of them passed, compared as memory.

   An object here is a shell, as torch's tensors are: somewhere in it lies a pointer to its body, which some other
   library owns, and the body may link to a second block. A `BodyImages` stands before a check that takes many of them
   and reads their bodies one property after another. When the check has passed, it keeps the bytes that the check's
   answer depends on; while each object still has them, the check would pass again, and is not asked.

   Which bytes those are, the maker says. It is safe to read them: an object that is handed in is alive, and so is the
   body that it points to; a body is read only if it is the one that was seen, in an object of the type that was seen,
   and what it links to only if the link is the one that was seen. No reference is held: all of these pointers are
   compared before they are followed.

   What depends on more than bytes of the objects, such as the state of a thread, the maker keeps in a second check, the
   rest. It also takes the objects that are others at each call, of which images would be made in vain. */

#include "plan.h"

#include <stddef.h>
#include <string.h>

/* How often in a row an image may be made in vain before its object belongs to the rest. */
#define VAIN 3

/* So many arguments of the rest need no memory of their own. */
#define FEW 16

typedef struct {
    Py_ssize_t offset;
    Py_ssize_t length;
} Span;

typedef struct {
    Span *spans;
    Py_ssize_t count;
    Py_ssize_t length; /* of all spans */
} Layout;

typedef struct {
    PyTypeObject *type; /* NULL: there is no image */
    const char *body;
    const char *linked;
    uint64_t taken;     /* after how many matches */
    unsigned vain;      /* how often in a row no call matched while it was there */
    bool left_out;      /* whether it belongs to the rest */
} Image;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *whole;    /* the check of all objects */
    PyObject *divide;   /* called with what is left out and the objects, it returns (places, check) of the rest */
    PyObject *rest;
    Py_ssize_t *places; /* which objects the rest takes */
    Py_ssize_t place_count;
    uint64_t divisions; /* how often the rest was made anew */
    uint64_t matches;   /* how many calls found all objects as they were seen */
    Py_ssize_t pointer; /* where in an object the pointer to its body is */
    Py_ssize_t link;    /* where in a body the pointer to the linked block is */
    Layout of_body;
    Layout of_linked;
    Image *images;
    char *bytes;        /* of all images, one after the other */
    Py_ssize_t count;
} Images;

static const char *
pointer_at(const char *address)
{
    const char *pointer;
    memcpy(&pointer, address, sizeof(pointer));
    return pointer;
}

static bool
same(const Layout *layout, const char *image, const char *now)
{
    for (Py_ssize_t index = 0; index < layout->count; index++) {
        const Span *span = &layout->spans[index];
        if (memcmp(image, now + span->offset, span->length) != 0) {
            return false;
        }
        image += span->length;
    }
    return true;
}

static void
copy(const Layout *layout, char *image, const char *now)
{
    for (Py_ssize_t index = 0; index < layout->count; index++) {
        const Span *span = &layout->spans[index];
        memcpy(image, now + span->offset, span->length);
        image += span->length;
    }
}

static char *
bytes_of(const Images *self, Py_ssize_t index)
{
    return self->bytes + index * (self->of_body.length + self->of_linked.length);
}

static bool
is_as_seen(const Images *self, Py_ssize_t index, PyObject *object)
{
    const Image *image = &self->images[index];
    if (Py_TYPE(object) != image->type || pointer_at((char *)object + self->pointer) != image->body) {
        return false;
    }
    const char *bytes = bytes_of(self, index);
    if (pointer_at(image->body + self->link) != image->linked || !same(&self->of_body, bytes, image->body)) {
        return false;
    }
    return image->linked == NULL || same(&self->of_linked, bytes + self->of_body.length, image->linked);
}

/* Make the image of an object that the whole check has just accepted. */
static void
take(Images *self, Py_ssize_t index, PyObject *object)
{
    Image *image = &self->images[index];
    image->body = pointer_at((char *)object + self->pointer);
    image->type = image->body == NULL ? NULL : Py_TYPE(object);
    image->taken = self->matches;
    if (image->type == NULL) {
        return;
    }
    char *bytes = bytes_of(self, index);
    image->linked = pointer_at(image->body + self->link);
    copy(&self->of_body, bytes, image->body);
    if (image->linked != NULL) {
        copy(&self->of_linked, bytes + self->of_body.length, image->linked);
    }
}

/* Read which objects the rest takes. */
static bool
read_places(PyObject *described, Py_ssize_t count, Py_ssize_t **places, Py_ssize_t *place_count)
{
    if (!PyTuple_CheckExact(described)) {
        PyErr_SetString(PyExc_TypeError, "the places of the rest must be a tuple");
        return false;
    }
    *place_count = PyTuple_GET_SIZE(described);
    *places = PyMem_Calloc(*place_count + 1, sizeof(Py_ssize_t));
    if (*places == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t index = 0; index < *place_count; index++) {
        Py_ssize_t place = PyLong_AsSsize_t(PyTuple_GET_ITEM(described, index));
        if (place < 0 || place >= count) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_ValueError, "no place %zd among %zd objects", place, count);
            }
            PyMem_Free(*places);
            return false;
        }
        (*places)[index] = place;
    }
    return true;
}

/* Make the rest anew, with the objects of which `leave` tells as well; nothing changes unless all of it succeeds.

   The code that makes it may let other threads run: what they did in the meantime goes before. */
static bool
divide(Images *self, const bool *leave, PyObject *const *objects)
{
    uint64_t before = self->divisions;
    PyObject *left_out = PyTuple_New(self->count), *all = PyTuple_New(self->count), *made = NULL, *rest, *described;
    Py_ssize_t *places, place_count;
    bool done = false;
    if (left_out == NULL || all == NULL) {
        goto end;
    }
    for (Py_ssize_t index = 0; index < self->count; index++) {
        PyTuple_SET_ITEM(left_out, index, PyBool_FromLong(leave[index] || self->images[index].left_out));
        PyTuple_SET_ITEM(all, index, Py_NewRef(objects[index]));
    }
    made = PyObject_CallFunctionObjArgs(self->divide, left_out, all, NULL);
    if (made == NULL || !PyArg_ParseTuple(made, "OO;a rest is a tuple (places, check)", &described, &rest) ||
        !read_places(described, self->count, &places, &place_count)) {
        goto end;
    }
    done = true;
    if (before != self->divisions || self->whole == NULL) {
        PyMem_Free(places);
        goto end;
    }
    self->divisions++;
    PyMem_Free(self->places);
    self->places = places;
    self->place_count = place_count;
    for (Py_ssize_t index = 0; index < self->count; index++) {
        self->images[index].left_out |= leave[index];
    }
    Py_XSETREF(self->rest, Py_NewRef(rest));
end:
    Py_XDECREF(left_out);
    Py_XDECREF(all);
    Py_XDECREF(made);
    return done;
}

/* Ask the whole check; when it accepts, make images of what is not as it was seen. */
static PyObject *
ask(Images *self, PyObject *const *objects)
{
    PyObject *answer = PyObject_Vectorcall(self->whole, objects, self->count, NULL);
    if (answer != Py_True) {
        return answer;
    }
    bool *leave = PyMem_Calloc(self->count + 1, sizeof(bool)), leaving = false;
    if (leave == NULL) {
        Py_DECREF(answer);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < self->count; index++) {
        Image *image = &self->images[index];
        if (image->left_out || (image->type != NULL && is_as_seen(self, index, objects[index]))) {
            continue;
        }
        bool vain = image->type != NULL && image->taken == self->matches;
        image->vain = vain ? image->vain + 1 : 0;
        leave[index] = image->vain >= VAIN;
        leaving |= leave[index];
        take(self, index, objects[index]);
    }
    if ((leaving || self->rest == NULL) && !divide(self, leave, objects)) {
        Py_CLEAR(answer);
    }
    PyMem_Free(leave);
    return answer;
}

static PyObject *
ask_rest(Images *self, PyObject *const *objects)
{
    PyObject *few[FEW], **taken = few;
    Py_ssize_t count = self->place_count;
    if (count > FEW && (taken = PyMem_Malloc(count * sizeof(PyObject *))) == NULL) {
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        taken[index] = objects[self->places[index]];
    }
    PyObject *rest = Py_NewRef(self->rest);
    PyObject *answer = PyObject_Vectorcall(rest, taken, count, NULL);
    Py_DECREF(rest);
    if (taken != few) {
        PyMem_Free(taken);
    }
    return answer;
}

static PyObject *
call(PyObject *callable, PyObject *const *objects, size_t flags, PyObject *names)
{
    Images *self = (Images *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count != self->count || (names != NULL && PyTuple_GET_SIZE(names) != 0) || self->whole == NULL) {
        PyErr_Format(PyExc_TypeError, "this check takes %zd positional arguments, not %zd", self->count, count);
        return NULL;
    }
    if (self->rest == NULL) {
        return ask(self, objects);
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        if (index + AHEAD < count) {
            const Image *later = &self->images[index + AHEAD];
            prefetch(objects[index + AHEAD]);
            prefetch(later->linked);
            for (Py_ssize_t line = 0; line < self->of_body.length; line += 64) {
                prefetch(later->body + line);
            }
        }
        if (!self->images[index].left_out && !is_as_seen(self, index, objects[index])) {
            return ask(self, objects);
        }
    }
    self->matches++;
    return ask_rest(self, objects);
}

static bool
read_layout(Layout *layout, PyObject *described)
{
    layout->spans = PyMem_Calloc(PyTuple_GET_SIZE(described) + 1, sizeof(Span));
    if (layout->spans == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(described); index++) {
        Span *span = &layout->spans[index];
        PyObject *pair = PyTuple_GET_ITEM(described, index);
        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "a span is a tuple (offset, length)");
            return false;
        }
        if (!PyArg_ParseTuple(pair, "nn;a span is a tuple (offset, length)", &span->offset, &span->length)) {
            return false;
        }
        if (span->offset < 0 || span->length < 0) {
            PyErr_Format(PyExc_ValueError, "no span of %zd bytes from byte %zd", span->length, span->offset);
            return false;
        }
        layout->length += span->length;
        layout->count++;
    }
    return true;
}

static PyObject *
new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"imaged", "whole", "divide", "pointer", "body", "link", "linked", NULL};
    Py_ssize_t pointer, link;
    PyObject *imaged, *whole, *divide, *body, *linked;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!OOnO!nO!:BodyImages", names, &PyTuple_Type, &imaged, &whole,
                                     &divide, &pointer, &PyTuple_Type, &body, &link, &PyTuple_Type, &linked)) {
        return NULL;
    }
    if (pointer < (Py_ssize_t)sizeof(PyObject) || link < 0) {
        PyErr_SetString(PyExc_ValueError, "an offset cannot be negative, nor a pointer lie in the header");
        return NULL;
    }
    Images *self = (Images *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = call;
    Py_ssize_t count = self->count = PyTuple_GET_SIZE(imaged);
    self->pointer = pointer;
    self->link = link;
    self->whole = Py_NewRef(whole);
    self->divide = Py_NewRef(divide);
    if (!read_layout(&self->of_body, body) || !read_layout(&self->of_linked, linked)) {
        Py_DECREF(self);
        return NULL;
    }
    self->images = PyMem_Calloc(count + 1, sizeof(Image));
    self->bytes = PyMem_Calloc(count + 1, self->of_body.length + self->of_linked.length + 1);
    if (self->images == NULL || self->bytes == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        self->images[index].left_out = PyTuple_GET_ITEM(imaged, index) != Py_True;
    }
    return (PyObject *)self;
}

static int
clear(Images *self)
{
    Py_CLEAR(self->whole);
    Py_CLEAR(self->divide);
    Py_CLEAR(self->rest);
    return 0;
}

static int
traverse(Images *self, visitproc visit, void *arg)
{
    Py_VISIT(self->whole);
    Py_VISIT(self->divide);
    Py_VISIT(self->rest);
    return 0;
}

static void
dealloc(Images *self)
{
    PyObject_GC_UnTrack(self);
    clear(self);
    PyMem_Free(self->places);
    PyMem_Free(self->of_body.spans);
    PyMem_Free(self->of_linked.spans);
    PyMem_Free(self->images);
    PyMem_Free(self->bytes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyTypeObject ImagesType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "framelift_guards._accelerator.BodyImages",
    .tp_doc = "A check of many objects, asked again only when their bodies are not what they were when it passed.",
    .tp_basicsize = sizeof(Images),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = new,
    .tp_dealloc = (destructor)dealloc,
    .tp_traverse = (traverseproc)traverse,
    .tp_clear = (inquiry)clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Images, vectorcall),
};
