"""A control-flow graph as an SVG image, laid out by grandalf (Sugiyama's layered method)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree as ET

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout

from ..dot import block_lines
from ..graph import control_flow
from ..instruction import Code

_CHARACTER: Final = 7.3  # the width and height of a character of a 12 px monospace font, in px
_LINE: Final = 15
_MARGIN: Final = 12
_GAP: Final = 40


@dataclass(slots=True)
class _Box:
    """What the layout wants to know of a vertex: its size; it answers the position of its centre."""

    lines: list[str]
    w: float = 0
    h: float = 0
    xy: tuple[float, float] = (0, 0)
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.w = max(map(len, self.lines)) * _CHARACTER + 2 * _MARGIN
        self.h = len(self.lines) * _LINE + 2 * _MARGIN


def svg(code: Code) -> str:
    """The blocks that control can reach, and the edges between them: jumps are solid, exceptions dashed and red.

    Args:
        code: a decoded code object.
    """
    graph = control_flow(code)
    reachable = graph.reachable()
    boxes = {block.start: _Box(block_lines(code, block)) for block in graph.blocks if block.start in reachable}
    edges = [
        (block.start, following, is_exception)
        for block in graph.blocks
        if block.start in reachable
        for is_exception, found in ((False, block.successors), (True, block.handlers))
        for following in found
    ]
    _lay_out(boxes, [(start, end) for start, end, _ in edges if start != end])
    left = min(box.xy[0] - box.w / 2 for box in boxes.values()) - _GAP
    top = min(box.xy[1] - box.h / 2 for box in boxes.values()) - _GAP
    width = max(box.xy[0] + box.w / 2 for box in boxes.values()) - left + _GAP
    height = max(box.xy[1] + box.h / 2 for box in boxes.values()) - top + _GAP
    root = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
    )
    ET.SubElement(root, "title").text = code.raw.co_qualname
    _add_arrow(root)
    for start, end, is_exception in edges:
        _add_edge(root, boxes[start], boxes[end], is_exception=is_exception)
    for box in boxes.values():
        _add_box(root, box)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def _lay_out(boxes: dict[int, _Box], edges: list[tuple[int, int]]) -> None:
    vertices = {start: Vertex(start) for start in boxes}
    for start, vertex in vertices.items():
        vertex.view = boxes[start]
    graph = Graph(list(vertices.values()), [Edge(vertices[start], vertices[end]) for start, end in edges])
    for component in graph.C:
        layout = SugiyamaLayout(component)
        layout.xspace, layout.yspace = _GAP, _GAP
        layout.init_all(roots=[vertices[0]])
        layout.draw()


def _add_arrow(root: ET.Element) -> None:
    for name, colour in (("arrow", "black"), ("raise", "firebrick")):
        marker = ET.SubElement(
            root, "marker", id=name, orient="auto", markerWidth="8", markerHeight="8", refX="7", refY="3"
        )
        ET.SubElement(marker, "path", d="M0,0 L7,3 L0,6 z", fill=colour)


def _add_edge(root: ET.Element, start: _Box, end: _Box, *, is_exception: bool) -> None:
    """From the bottom of a box to the top of another; back to a box that is above, beside both."""
    x1, y1 = start.xy[0], start.xy[1] + start.h / 2
    x2, y2 = end.xy[0], end.xy[1] - end.h / 2
    if y2 > y1:
        path = f"M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + _GAP:.0f} {x2:.0f},{y2 - _GAP:.0f} {x2:.0f},{y2:.0f}"
    else:
        side = max(start.xy[0] + start.w / 2, end.xy[0] + end.w / 2) + _GAP
        path = (
            f"M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + _GAP:.0f} {side:.0f},{y1 + _GAP:.0f} {side:.0f},{(y1 + y2) / 2:.0f} "
            f"S{x2:.0f},{y2 - _GAP:.0f} {x2:.0f},{y2:.0f}"
        )
    style = {"stroke": "firebrick", "stroke-dasharray": "5,3"} if is_exception else {"stroke": "black"}
    arrow = "url(#raise)" if is_exception else "url(#arrow)"
    ET.SubElement(root, "path", {"d": path, "fill": "none", "marker-end": arrow, **style})


def _add_box(root: ET.Element, box: _Box) -> None:
    x, y = box.xy[0] - box.w / 2, box.xy[1] - box.h / 2
    ET.SubElement(
        root,
        "rect",
        x=f"{x:.0f}",
        y=f"{y:.0f}",
        width=f"{box.w:.0f}",
        height=f"{box.h:.0f}",
        fill="white",
        stroke="black",
    )
    attributes = {"font-family": "monospace", "font-size": "12", "xml:space": "preserve"}
    for number, line in enumerate(box.lines, start=1):
        text = ET.SubElement(
            root, "text", {"x": f"{x + _MARGIN:.0f}", "y": f"{y + _MARGIN + number * _LINE - 4:.0f}", **attributes}
        )
        text.text = line
        if line.startswith("line "):
            text.set("fill", "grey")
