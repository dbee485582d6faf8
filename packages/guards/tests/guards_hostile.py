"""Objects whose every method of the user's fails the test that runs it."""


class UserCodeRan(BaseException):
    """Not an ``Exception``: a guard that swallows it would hide what happened."""


def _forbidden(*args, **kwargs):
    raise UserCodeRan


class Hostile:
    __eq__ = __hash__ = __getattr__ = __bool__ = __len__ = __repr__ = __str__ = __iter__ = __contains__ = _forbidden
    __getitem__ = __lt__ = __index__ = __float__ = __call__ = __length_hint__ = _forbidden
    __class__ = property(_forbidden)


class HostileDict(dict):
    __eq__ = __hash__ = __getattr__ = __bool__ = __len__ = __repr__ = __iter__ = __contains__ = __getitem__ = _forbidden
    keys = items = values = get = _forbidden


class HostileInt(int):
    __eq__ = __hash__ = __getattr__ = __bool__ = __repr__ = __index__ = _forbidden


class HostileStr(str):
    __slots__ = ()
    __eq__ = __getattr__ = __bool__ = __len__ = __repr__ = __iter__ = _forbidden
    __hash__ = str.__hash__


class Liar:
    """Claims another class."""

    def __init__(self, kind):
        self.kind = kind

    @property
    def __class__(self):
        return self.kind
