"""Examples in docstrings are shown as code: an extension of griffe, which reads the docstrings for the reference.

Markdown takes `>>>` for three quotations. The docstrings stay as doctest wants them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import griffe


class DocstringExamples(griffe.Extension):
    """Puts the examples of each docstring between fences."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = "\n".join(fenced(obj.docstring.value))


def fenced(text: str) -> Iterator[str]:
    r"""Yield the lines of a docstring, those of examples between fences.

    >>> print("\n".join(fenced("One.\n\n>>> 1 + 1\n2\n\nTwo.")))
    One.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    <BLANKLINE>
    Two.
    """
    for blank, group in groupby(text.split("\n"), key=lambda line: not line.strip()):
        lines = list(group)
        if blank:
            yield from lines
            continue
        start = next((at for at, line in enumerate(lines) if line.lstrip().startswith(">>>")), len(lines))
        yield from lines[:start]
        if lines[start:]:
            indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
            separator = [""] if start else []
            example = ["```pycon", *textwrap.dedent("\n".join(lines[start:])).split("\n"), "```"]
            yield from [*separator, *(indent + line for line in example)]
