"""Geometry of the drawings about a standard: editions on a time line, relations as a graph.

Lengths are in units of the drawing, which the page scales. The templates only draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from standards_catalog.editions import Edition, Status
from standards_catalog.identifiers import parse_identifier, same_standard
from standards_catalog.relations import Relation

WIDTH: Final = 760
_LABELS: Final = 170
_ROW: Final = 34
_TOP: Final = 28
_NODE: Final = 46
_NODE_GAP: Final = 12
_NODE_WIDTH: Final = 220
_YEARS_AFTER: Final = 1
_MOST_TICKS: Final = 9
_MAX_NODES: Final = 12  # on one side


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: "sure", "open" (no end is recorded), "unsure" or "transition"."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One edition."""

    edition: Edition
    y: float
    pieces: tuple[Piece, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Editions on a common scale of time."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    today: float
    height: float
    unsure: bool
    labels: float = _LABELS
    width: float = WIDTH


def draw_timeline(editions: Sequence[Edition], today: date) -> Timeline:
    """Return the time line of the editions of a standard.

    A stretch in which the recorded dates do not tell whether the edition stood is "unsure".
    """
    spans = [(edition, _moments(edition, editions, today)) for edition in editions]
    known = [day for _, days in spans for day in days if day is not None]
    first = min((day.year for day in known), default=today.year)
    last = max([today.year + _YEARS_AFTER, *(day.year + 1 for day in known)])
    scale = (WIDTH - _LABELS - 20) / max((date(last, 12, 31) - date(first, 1, 1)).days, 1)

    def x(day: date) -> float:
        return round(_LABELS + (day - date(first, 1, 1)).days * scale, 1)

    bars = []
    for row, (edition, days) in enumerate(spans):
        pieces = _pieces(edition, days, x, date(last, 12, 31))
        bars.append(Bar(edition, _TOP + row * _ROW, pieces, _words(edition)))
    step = max(1, -(-(last - first) // _MOST_TICKS))
    return Timeline(
        bars=tuple(bars),
        ticks=tuple((x(date(year, 1, 1)), year) for year in range(first, last + 1, step)),
        today=x(today),
        height=_TOP + len(bars) * _ROW + 8,
        unsure=any(piece.kind == "unsure" for bar in bars for piece in bar.pieces),
    )


_Scale: TypeAlias = Callable[[date], float]  # where a day is drawn
_Moments: TypeAlias = tuple[date | None, date | None, date | None, date | None, date | None]


def _moments(edition: Edition, editions: Sequence[Edition], today: date) -> _Moments:
    """Return earliest and latest start, earliest and latest end, and end of the transition."""
    start = edition.effective or edition.published
    early, late = (start.first, start.last) if start else (None, None)
    if early is None and edition.id.year is not None:
        early, late = date(edition.id.year, 1, 1), date(edition.id.year + 1, 12, 31)
    end = edition.withdrawn
    if end is None:
        starts = [e.effective or e.published for e in editions if edition.code in e.replaces]
        end = min((each for each in starts if each is not None), default=None)
    if end is not None:
        transition = edition.transition_end.last if edition.transition_end else None
        return early, late, end.first, end.last, transition
    if edition.status.ended:
        return early, late, late, min(edition.provenance.source_date, today), None
    return early, late, None, None, None


def _pieces(edition: Edition, days: _Moments, x: _Scale, edge: date) -> tuple[Piece, ...]:
    """Return the parts of one bar."""
    early, late, end_early, end_late, transition = days
    if early is None or late is None:
        return ()
    found = []
    if late > early:
        found.append(_piece(x, early, min(late, end_early or late), "unsure"))
    if end_early is None:
        found.append(_piece(x, late, edge, "draft" if edition.status is Status.DRAFT else "open"))
    else:
        found.append(_piece(x, late, end_early, "sure"))
        found.append(_piece(x, max(end_early, early), end_late or end_early, "unsure"))
        if transition is not None and end_late is not None:
            found.append(_piece(x, end_late, transition, "transition"))
    return tuple(piece for piece in found if piece.width > 0)


def _piece(x: _Scale, start: date, end: date, kind: str) -> Piece:
    return Piece(x(start), round(max(x(end) - x(start), 0.0), 1), kind)


def _words(edition: Edition) -> str:
    """Return the dates of an edition as recorded."""
    start = edition.effective or edition.published or ""
    return f"{start or '?'} – {edition.withdrawn or ('?' if edition.status.ended else '')}".strip()


@dataclass(frozen=True, slots=True)
class Node:
    """A standard in the graph, with the relation that leads to it."""

    code: str
    relation: Relation | None
    x: float
    y: float
    width: float = _NODE_WIDTH
    height: float = _NODE


@dataclass(frozen=True, slots=True)
class Graph:
    """The neighbours of a standard: what relates to it on the left, what it relates to right."""

    centre: Node
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    height: float
    left_out: int
    left: float = 0.0
    width: float = WIDTH

    @property
    def one_sided(self) -> bool:
        """Whether there are neighbours on one side only, so that half the drawing is left out."""
        return self.width < WIDTH


def draw_graph(code: str, relations: Sequence[Relation]) -> Graph | None:
    """Return the graph of a standard's relations, None where it has none."""
    own = parse_identifier(code)
    incoming = [r for r in relations if same_standard(parse_identifier(r.target), own)]
    outgoing = [r for r in relations if r not in incoming]
    rows = max(len(incoming[:_MAX_NODES]), len(outgoing[:_MAX_NODES]))
    if rows == 0:
        return None
    height = rows * (_NODE + _NODE_GAP) + _NODE_GAP
    middle = height / 2 - _NODE / 2
    centre_width = 170.0
    centre = Node(code, None, (WIDTH - centre_width) / 2, middle, centre_width)
    nodes: list[Node] = []
    edges: list[tuple[str, str]] = []
    for side, found in ((0, incoming[:_MAX_NODES]), (1, outgoing[:_MAX_NODES])):
        offset = (height - len(found) * (_NODE + _NODE_GAP) + _NODE_GAP) / 2
        for row, relation in enumerate(found):
            y = round(offset + row * (_NODE + _NODE_GAP), 1)
            other = relation.target if side else relation.source
            x = float(WIDTH - _NODE_WIDTH - 1) if side else 1.0
            nodes.append(Node(other, relation, x, y))
            edges.append((_edge(centre, nodes[-1], outgoing=bool(side)), relation.status.value))
    left_out = len(relations) - len(nodes)
    left = 0.0 if incoming else centre.x - 1
    right = float(WIDTH) if outgoing else centre.x + centre.width + 1
    return Graph(centre, tuple(nodes), tuple(edges), height, left_out, left, right - left)


def _edge(centre: Node, node: Node, *, outgoing: bool) -> str:
    """Return the path of an arrow from source to target."""
    if outgoing:
        x1, y1 = centre.x + centre.width, centre.y + _NODE / 2
        x2, y2 = node.x - 7, node.y + _NODE / 2
    else:
        x1, y1 = node.x + node.width, node.y + _NODE / 2
        x2, y2 = centre.x - 7, centre.y + _NODE / 2
    bend = (x1 + x2) / 2
    return f"M{x1:.1f} {y1:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
