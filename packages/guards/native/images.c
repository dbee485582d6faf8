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

/* Among so many looks one like a new one is searched. */
#define TRIED 64

/* No span begins later, or is longer. */
#define LONGEST 4096

/* So many arguments of the rest need no memory of their own. */
#define FEW 16

/* Sixteen bytes, where the compiler knows numbers of that length. */
#if defined(__GNUC__)
typedef uint64_t Long __attribute__((vector_size(16)));
#define differs(long) ((long)[0] | (long)[1])
#else
typedef uint64_t Long;
#define differs(long) (long)
#endif

/* Which pieces of a block count, as offsets of pieces of three lengths. Pieces may overlap: so none of a span is left
   over, and to compare takes as many steps each time, which the processor then foresees. */
typedef struct {
    Py_ssize_t *offsets; /* of the long pieces, of words, of bytes */
    Py_ssize_t longs;
    Py_ssize_t words;
    Py_ssize_t bytes;
    Py_ssize_t length;   /* of all pieces */
    Py_ssize_t extent;   /* up to the end of the last */
} Layout;

/* What objects that look alike have in common: a type, and the bytes of the body and of the linked block. */
typedef struct Look {
    struct Look *next;
    PyTypeObject *type;
    bool linked;
    char bytes[];
} Look;

typedef struct {
    const char *body;
    const char *linked;
    const Look *look;   /* NULL: there is no image */
} Image;

/* What is known of the image's worth. */
typedef struct {
    uint64_t taken;     /* after how many matches */
    unsigned vain;      /* how often in a row no call matched while it was there */
    bool left_out;      /* whether it belongs to the rest */
} Record;

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
    Record *records;
    Py_ssize_t count;
    Look *looks;        /* all that images have, and perhaps had; the newest first */
    Py_ssize_t look_count;
    Look *sketch;       /* scratch of `look_of` */
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
    Long found = {0}, one, other;
    uint64_t rest = 0, word, other_word;
    const Py_ssize_t *offset = layout->offsets;
    for (Py_ssize_t index = 0; index < layout->longs; index++, image += sizeof(Long)) {
        memcpy(&one, image, sizeof(Long));
        memcpy(&other, now + *offset++, sizeof(Long));
        found |= one ^ other;
    }
    for (Py_ssize_t index = 0; index < layout->words; index++, image += sizeof(uint64_t)) {
        memcpy(&word, image, sizeof(uint64_t));
        memcpy(&other_word, now + *offset++, sizeof(uint64_t));
        rest |= word ^ other_word;
    }
    for (Py_ssize_t index = 0; index < layout->bytes; index++) {
        rest |= (uint64_t)(*image++ ^ now[*offset++]);
    }
    return (differs(found) | rest) == 0;
}

static void
copy(const Layout *layout, char *image, const char *now)
{
    const Py_ssize_t *offset = layout->offsets;
    for (Py_ssize_t index = 0; index < layout->longs; index++, image += sizeof(Long)) {
        memcpy(image, now + *offset++, sizeof(Long));
    }
    for (Py_ssize_t index = 0; index < layout->words; index++, image += sizeof(uint64_t)) {
        memcpy(image, now + *offset++, sizeof(uint64_t));
    }
    for (Py_ssize_t index = 0; index < layout->bytes; index++) {
        *image++ = now[*offset++];
    }
}

static bool
is_as_seen(const Images *self, const Image *image, PyObject *object)
{
    const Look *look = image->look;
    if (Py_TYPE(object) != look->type || pointer_at((char *)object + self->pointer) != image->body ||
        pointer_at(image->body + self->link) != image->linked) {
        return false;
    }
    return same(&self->of_body, look->bytes, image->body) &&
           (!look->linked || same(&self->of_linked, look->bytes + self->of_body.length, image->linked));
}

static void
forget_all(Images *self)
{
    for (Py_ssize_t index = 0; index < self->count; index++) {
        self->images[index].look = NULL;
    }
    while (self->looks != NULL) {
        Look *next = self->looks->next;
        PyMem_Free(self->looks);
        self->looks = next;
    }
    self->look_count = 0;
}

/* Return what is kept of objects that look like this one, or NULL where there is no memory for it. */
static const Look *
look_of(Images *self, PyTypeObject *type, const char *body, const char *linked)
{
    size_t length = self->of_body.length + self->of_linked.length;
    Look *sketch = self->sketch;
    memset(sketch->bytes, 0, length);
    copy(&self->of_body, sketch->bytes, body);
    if (linked != NULL) {
        copy(&self->of_linked, sketch->bytes + self->of_body.length, linked);
    }
    Py_ssize_t tried = 0;
    for (const Look *look = self->looks; look != NULL && tried < TRIED; look = look->next, tried++) {
        if (look->type == type && look->linked == (linked != NULL) && memcmp(look->bytes, sketch->bytes, length) == 0) {
            return look;
        }
    }
    Look *made = PyMem_Malloc(sizeof(Look) + length);
    if (made != NULL) {
        *made = (Look){.next = self->looks, .type = type, .linked = linked != NULL};
        memcpy(made->bytes, sketch->bytes, length);
        self->looks = made;
        self->look_count++;
    }
    return made;
}

/* Make the image of an object that the whole check has just accepted. */
static void
take(Images *self, Py_ssize_t index, PyObject *object)
{
    Image *image = &self->images[index];
    *image = (Image){.body = pointer_at((char *)object + self->pointer)};
    self->records[index].taken = self->matches;
    if (image->body != NULL) {
        image->linked = pointer_at(image->body + self->link);
        image->look = look_of(self, Py_TYPE(object), image->body, image->linked);
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
        PyTuple_SET_ITEM(left_out, index, PyBool_FromLong(leave[index] || self->records[index].left_out));
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
        self->records[index].left_out |= leave[index];
        if (leave[index]) {
            self->images[index].look = NULL;
        }
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
    if (self->look_count > 2 * self->count + TRIED) {
        forget_all(self);
    }
    for (Py_ssize_t index = 0; index < self->count; index++) {
        Image *image = &self->images[index];
        Record *record = &self->records[index];
        if (record->left_out || (image->look != NULL && is_as_seen(self, image, objects[index]))) {
            continue;
        }
        bool vain = image->look != NULL && record->taken == self->matches;
        record->vain = vain ? record->vain + 1 : 0;
        leave[index] = record->vain >= VAIN;
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
            for (Py_ssize_t line = 0; line < self->of_body.extent; line += 64) {
                prefetch(later->body + line);
            }
        }
        const Image *image = &self->images[index];
        if (image->look == NULL ? !self->records[index].left_out : !is_as_seen(self, image, objects[index])) {
            return ask(self, objects);
        }
    }
    self->matches++;
    return ask_rest(self, objects);
}

typedef struct {
    Py_ssize_t start;
    Py_ssize_t end;
} Span;

static bool
read_span(PyObject *described, Span *span)
{
    Py_ssize_t length;
    if (!PyTuple_Check(described)) {
        PyErr_SetString(PyExc_TypeError, "a span is a tuple (offset, length)");
        return false;
    }
    if (!PyArg_ParseTuple(described, "nn;a span is a tuple (offset, length)", &span->start, &length)) {
        return false;
    }
    if (span->start < 0 || length < 0 || span->start > LONGEST || length > LONGEST) {
        PyErr_Format(PyExc_ValueError, "no span of %zd bytes from byte %zd", length, span->start);
        return false;
    }
    span->end = span->start + length;
    return true;
}

/* Cut the spans that are as long as a piece, or longer, but too short for longer pieces; the last piece of a span may
   overlap the one before. */
static Py_ssize_t
cut(Layout *layout, const Span *spans, Py_ssize_t count, Py_ssize_t piece, Py_ssize_t shorter_than)
{
    Py_ssize_t *offset = layout->offsets + layout->longs + layout->words, *first = offset;
    for (const Span *span = spans; span < spans + count; span++) {
        Py_ssize_t length = span->end - span->start;
        for (Py_ssize_t at = span->start; length >= piece && length < shorter_than && at < span->end; at += piece) {
            *offset++ = Py_MIN(at, span->end - piece);
            layout->length += piece;
        }
    }
    return offset - first;
}

static bool
read_layout(Layout *layout, PyObject *described)
{
    Py_ssize_t count = PyTuple_GET_SIZE(described), total = 0;
    Span *spans = PyMem_Calloc(count + 1, sizeof(Span));
    if (spans == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        if (!read_span(PyTuple_GET_ITEM(described, index), &spans[index])) {
            PyMem_Free(spans);
            return false;
        }
        total += spans[index].end - spans[index].start;
        layout->extent = Py_MAX(layout->extent, spans[index].end);
    }
    layout->offsets = PyMem_Calloc(total + 1, sizeof(Py_ssize_t));
    if (layout->offsets != NULL) {
        layout->longs = cut(layout, spans, count, sizeof(Long), PY_SSIZE_T_MAX);
        layout->words = cut(layout, spans, count, sizeof(uint64_t), sizeof(Long));
        layout->bytes = cut(layout, spans, count, 1, sizeof(uint64_t));
    }
    else {
        PyErr_NoMemory();
    }
    PyMem_Free(spans);
    return layout->offsets != NULL;
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
    self->records = PyMem_Calloc(count + 1, sizeof(Record));
    self->sketch = PyMem_Malloc(sizeof(Look) + self->of_body.length + self->of_linked.length);
    if (self->images == NULL || self->records == NULL || self->sketch == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t index = 0; index < count; index++) {
        self->records[index].left_out = PyTuple_GET_ITEM(imaged, index) != Py_True;
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
    PyMem_Free(self->of_body.offsets);
    PyMem_Free(self->of_linked.offsets);
    if (self->images != NULL) {
        forget_all(self);
    }
    PyMem_Free(self->images);
    PyMem_Free(self->records);
    PyMem_Free(self->sketch);
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
