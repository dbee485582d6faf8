"""Classes and their instances: the attribute protocol, calls, special methods, subclasses of built-in classes."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools

import pytest
from comparison import check
from driver import Broke, lift


class Point:
    scale = 10

    def __init__(self, x, y=1):
        self.x = x
        self.y = y

    def total(self, extra=0):
        return self.x + self.y + extra + self.scale

    @property
    def doubled(self):
        return self.x * 2

    @doubled.setter
    def doubled(self, value):
        self.x = value // 2

    @doubled.deleter
    def doubled(self):
        del self.x

    @staticmethod
    def plain(z):
        return z + 1

    @classmethod
    def made(cls, x):
        return cls(x, cls.scale)

    def __add__(self, other):
        if isinstance(other, Point):
            return Point(self.x + other.x, self.y + other.y)
        return NotImplemented

    def __radd__(self, other):
        return Point(self.x + other, self.y)

    def __iadd__(self, other):
        self.x += other
        return self

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    __hash__ = None

    def __lt__(self, other):
        return self.x < other.x if isinstance(other, Point) else NotImplemented

    def __neg__(self):
        return Point(-self.x, -self.y)

    def __len__(self):
        return abs(self.x)

    def __getitem__(self, index):
        return (self.x, self.y)[index]

    def __contains__(self, item):
        return item in (self.x, self.y)

    def __call__(self, *args, **kwargs):
        return args, kwargs, self.x

    def __str__(self):
        return f"({self.x}, {self.y})"

    def __repr__(self):
        return f"Point{self}"

    def __format__(self, spec):
        return f"<{self.x:{spec}}>"


class Child(Point):
    scale = 20

    def __init__(self, x):
        super().__init__(x, 5)
        self.child = [x]

    def total(self, extra=0):
        return super().total(extra) * 2


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


class Fallback:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        self.calls.append(name)
        return name * 2

    @property
    def failing(self):
        raise AttributeError("from the property")


class Intercepted:
    def __init__(self):
        self.x = 1

    def __getattribute__(self, name):
        if name == "magic":
            return "intercepted"
        return object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, (name, value))

    def __delattr__(self, name):
        super().__delattr__(name + "x")


class Descriptor:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        return self if instance is None else instance.__dict__.get(self.name, "unset")

    def __set__(self, instance, value):
        instance.__dict__[self.name] = value


class NonData:
    def __get__(self, instance, owner):
        return ("bound", instance is None, owner)


class Described:
    plain = NonData()

    def __init__(self):
        self.value = 1


class NumberList(list):
    kind = "numbers"

    def __init__(self, items, label="none"):
        super().__init__(items)
        self.label = label

    def total(self):
        return sum(self)

    def append(self, item):
        super().append(item * 10)


class Defaulting(dict):
    def __missing__(self, key):
        self[key] = [key]
        return self[key]


class Celsius(float):
    def to_kelvin(self):
        return self + 273.0


class Name(str):  # noqa: SLOT000 - as users write it
    def loud(self):
        return self.upper() + "!"


class Pair(tuple):  # noqa: SLOT001 - as users write it
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    @property
    def first(self):
        return self[0]


class Color(enum.Enum):
    RED = 1
    GREEN = 2


@dataclasses.dataclass
class Record:
    name: str
    tags: list = dataclasses.field(default_factory=list)
    size: int = 3


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: int = 2


Employee = collections.namedtuple("Employee", ["name", "id"], defaults=[7])


class Meta(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.by_meta = True
        return made

    def on_class(cls):
        return cls.__name__


class WithMeta(metaclass=Meta):
    def __init__(self, x):
        self.x = x


class Single:
    made = None

    def __new__(cls, *args):
        if cls.made is None:
            cls.made = super().__new__(cls)
        return cls.made

    def __init__(self, x):
        self.x = x


class Counter:
    count = 0

    def bump(self):
        type(self).count += 1
        Counter.last = self
        return Counter.count


def read(p):
    return p.x, p.y, p.scale, p.doubled, p.total(3), p.plain(1), Point.plain(2), p.made(3).y, Point.made(4).x


def construct(x):
    c = Child(x)
    return c, c.total(), c.doubled, isinstance(c, Point), issubclass(Child, Point), type(c) is Child


def write(p):
    p.x = 5
    p.z = p.x + 1
    p.doubled = 50
    del p.y
    p.y = p.z
    return p


def delete_property(p):
    del p.doubled
    return p.__dict__ if False else hasattr(p, "x")


def operators(p, q):
    r = p + q
    s = 3 + p
    return r, s, -p, p == q, p != q, p < q, p > q, p == 3, len(p), p[0], p[1], q.x in p, 99 in p


def unsupported(p):
    return p + "text"


def incomparable(p):
    return p < 3


def augmented(p):
    alias = p
    p += 4
    return alias is p, p


def call_instance(p):
    return p(1, *[2, 3], k=4, **{"m": 5})


def texts(p):
    return str(p), repr(p), f"{p}", f"{p!r:>20}", f"{p:04d}", "%s" % (p,)


def slots(s):
    s.b = s.a + 1
    t = Slotted(s.b)
    return t, s.b, hasattr(t, "b")


def slot_missing(s):
    return s.b


def fallback(f):
    return f.anything, hasattr(f, "_private"), f.failing, getattr(f, "_x", 4), f.calls


def fallback_error(f):
    return f._missing


def intercepted(i):
    i.new = 3
    return i.magic, i.x, i.new


def described(d):
    return d.plain, Described.plain, d.value


def number_list(n):
    n.append(3)
    n.label = "changed"
    other = NumberList([1, 2])
    other.append(4)
    return n.total(), len(n), n[0], n[-1], other, n + [1], [x for x in n], n.kind, other == [1, 2, 40]


def defaulting(d):
    new = Defaulting(a=1)
    return d["k"], d["k"] is d["k"], new["a"], new["b"], new, len(d)


def scalars(c, n):
    return c.to_kelvin(), Celsius(3.5), n.loud(), Name("x") + "y", Name("z").loud(), c > 1.0


def pairs(p):
    q = Pair(1, [2])
    return p.first, q, q.first, p[1], len(q), q == (1, [2]), tuple(q)


def enumeration(c):
    return (
        c is Color.RED,
        Color.GREEN,
        c == Color.RED,
        c != Color.GREEN,
        {Color.RED: 1}.get(c),
        c.name,
        c.value,
        Color.GREEN.value,
    )


def records(r):
    made = Record("n")
    made.tags.append(1)
    return made, Record("n") == Record("n"), r.size, r == Record(r.name, r.tags, r.size), Record("q", [2], size=4)


def frozen(f):
    g = Frozen(1)
    try:
        f.a = 3
    except dataclasses.FrozenInstanceError as error:
        return str(error), g, f == g
    return None


def employees(e):
    made = Employee("foo", 2)
    name, number = e
    return made, e.name, e.id, name, number, Employee("x"), made._replace(id=4), made == ("foo", 2), made._asdict()


def metaclass(x):
    made = WithMeta(x)
    return made, WithMeta.on_class(), made.by_meta


def abstract_error(x):
    return Point()


def too_many(x):
    class_ = Slotted
    return class_(1, 2)


def partials(x):
    add = functools.partial(lambda a, b, c=0: a + b + c, x)
    return add(2), add(2, c=3), functools.reduce(lambda a, b: a * b, [1, 2, 3, x])


def bound_methods(p):
    method = p.total
    return method(1), method.__self__ is p, method.__func__ is Point.total, p.total == p.total, p.total is p.total


def returns_method(p):
    return p.total, Point.made, p.plain


def dynamic(p, name):
    setattr(p, name, 7)
    return getattr(p, name), getattr(p, "nope", None), hasattr(p, name), hasattr(p, "nope")


def missing(p):
    return p.nope


def cached(x):
    class_attribute = Point.scale
    return class_attribute + Child.scale + x


POINT = (lambda: (Point(3, 4),), lambda: (Point(-1),))

CASES = [
    (read, *POINT),
    (construct, lambda: (2,)),
    (write, *POINT),
    (delete_property, *POINT),
    (operators, lambda: (Point(3, 4), Point(1, 2)), lambda: (Point(0), Point(0))),
    (unsupported, *POINT),
    (incomparable, *POINT),
    (augmented, *POINT),
    (call_instance, *POINT),
    (texts, *POINT),
    (slots, lambda: (Slotted(1),)),
    (fallback, lambda: (Fallback(),)),
    (fallback_error, lambda: (Fallback(),)),
    (intercepted, lambda: (Intercepted(),)),
    (described, lambda: (Described(),)),
    (number_list, lambda: (NumberList([1, 2], "label"),), lambda: (NumberList([]),)),
    (defaulting, lambda: (Defaulting(),), lambda: (Defaulting(k=3),)),
    (scalars, lambda: (Celsius(1.5), Name("n")), lambda: (Celsius(2.5), Name("n"))),
    (pairs, lambda: (Pair(3, 4),)),
    (enumeration, lambda: (Color.RED,), lambda: (Color.GREEN,)),
    (records, lambda: (Record("n"),), lambda: (Record("a", [1], 9),)),
    (frozen, lambda: (Frozen(1),)),
    (employees, lambda: (Employee("n", 3),)),
    (metaclass, lambda: (1,)),
    (abstract_error, lambda: (1,)),
    (too_many, lambda: (1,)),
    (partials, lambda: (1,)),
    (bound_methods, *POINT),
    (returns_method, *POINT),
    (dynamic, lambda: (Point(1), "fresh"), lambda: (Point(1), "x")),
    (missing, *POINT),
    (cached, lambda: (1,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_as_cpython(case):
    function, *makers = case
    check(function, *makers)


class Stack(list):
    pass


class Ordered(collections.OrderedDict):
    label = "ordered"


class Logged(collections.OrderedDict):
    def __setitem__(self, key, value):
        super().__setitem__(key, [value])


class Counting(collections.defaultdict):
    pass


class Ring(collections.deque):
    pass


class Bag(set):
    pass


def in_place(s):
    s += [1]
    s *= 2
    made = Stack([2])
    same = made
    made += s
    return s, made, made is same, iter(made), [made]


def contents(x):
    ring = Ring([1, 2, 3], 2)
    ring.append(x)
    ordered = Ordered(a=x)
    ordered["b"] = x
    counting = Counting(list, {x: [1]})
    counting["new"].append(x)
    bag = Bag([x])
    bag.add(4)
    cyclic = Stack([x])
    cyclic.append([cyclic])
    cyclic.label = cyclic
    return ring, ordered, counting, bag, cyclic


@pytest.mark.parametrize(
    "case",
    [(in_place, lambda: (Stack([0]),)), (contents, lambda: (3,))],
    ids=["in_place", "contents"],
)
def test_subclasses_of_containers(case):
    function, *makers = case
    check(function, *makers)


def test_an_iterator_of_a_new_instance_is_over_that_instance():
    def make(x):
        stack = Stack([1, 2])
        return stack, iter(stack)

    stack, iterator = lift(make)(1)
    stack.append(3)
    assert list(iterator) == [1, 2, 3]


def test_a_subclass_that_c_code_calls_back_breaks():
    def make(x):
        return Logged(a=x)

    with pytest.raises(Broke, match="OrderedDict"):
        lift(make)(1)
