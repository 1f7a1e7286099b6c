"""The transfer graph as a picture, with nothing but the standard library: an SVG document for light and dark pages."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Final
from xml.sax.saxutils import escape

from labstow.contracts.transfer import Step, Way
from labstow.workers.kit.journal import plain
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.layout import (
    BOX,
    LANE,
    MARGIN,
    SMALL,
    TAG,
    Arc,
    Bracket,
    Layout,
    Line,
    Row,
    Tag,
    shortened,
)
from labstow.workers.transfer.planning.plan import named

COLOURS: Final = (
    "#3b6ea5", "#b3541e", "#2f7d4f", "#8250a5", "#1b7f8c", "#b0305c", "#7a6a12", "#4d5562", "#6b4f3a", "#5461c8",
)  # fmt: skip
WIDEST: Final = 100
"""Letters in a line of what is told."""
STYLE: Final = """
    .page { fill: #ffffff; stroke: #7d8590; }
    .place { fill: #eef1f4; stroke: #7d8590; }
    .on { fill: #fff1b8; stroke: #8a6d00; }
    .off { fill: #f6f8fa; stroke: #b6bdc5; stroke-dasharray: 5 4; }
    .tag { fill: #ffffff; stroke-width: 1.4; }
    .used { fill: #fff1b8; }
    .row { stroke: #d0d7de; stroke-width: 1.5; fill: none; }
    .way { stroke: #ffd84d; stroke-width: 13; fill: none; stroke-linejoin: round; stroke-linecap: round; }
    .casing { stroke: #ffffff; stroke-width: 9; }
    .to { stroke-width: 1.6; }
    .node { stroke-width: 4; stroke-linecap: round; }
    .stop { fill: #ffffff; stroke-width: 3; }
    .edge { stroke-width: 1.6; fill: none; }
    .linked { stroke: #57606a; stroke-width: 5; fill: none; stroke-linejoin: round; }
    .between { stroke: #ffffff; stroke-width: 2; fill: none; stroke-linejoin: round; }
    .exclusive { stroke: #a5762b; stroke-width: 2.4; fill: none; stroke-dasharray: 0.1 5; stroke-linecap: round; }
    .badge { fill: #1b1f24; }
    text { fill: #1b1f24; }
    .name { font-weight: 600; }
    .small { font-size: 12px; }
    .grey { fill: #57606a; }
    .white { fill: #ffffff; }
    .middle { text-anchor: middle; }
"""


def svg(graph: Graph, highlight: Way | None = None, told: Sequence[str] = ()) -> str:
    """The transfer graph as an SVG document, with sentences below. The same given, it is always the same document.

    Of more than 60 places those that look the same are drawn as one.
    """
    return "\n".join(_Drawing(Layout(graph, highlight), highlight, told).document()) + "\n"


class _Drawing:
    """Writes a layout down, from what is behind to what is in front."""

    def __init__(self, layout: Layout, way: Way | None, told: Sequence[str]) -> None:
        self._at, self._way, self._more = layout, way, told
        self._colour = {line.node: COLOURS[line.number % len(COLOURS)] for line in layout.lines}
        self._x = {line.node: line.x for line in layout.lines}
        self._left, self._right = layout.box_x, layout.box_x + layout.box_width

    def document(self) -> Iterator[str]:
        """The lines of the document."""
        at, signs, told = self._at, list(self._signs()), list(self._told())
        bottom = at.bottom + MARGIN
        height = bottom + (26 if signs else 0) + 20 * len(told)
        width = max(at.width, 2 * MARGIN + max((SMALL * len(text) for text in told), default=0))
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" role="img" font-size="14"'
        )
        yield """     font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">"""
        yield f"<title>{escape(self._title())}</title>"
        yield f"<desc>{escape(' '.join(self._described()))}</desc>"
        yield f"<style>{STYLE}</style>"
        yield f'<rect class="page" x="1" y="1" width="{width - 2:g}" height="{height - 2:g}" rx="8"/>'
        counts = f"{_count(len(at.graph.places), 'place')}, {_count(len(at.lines), 'node')}"
        yield _text(MARGIN, MARGIN + 20, "Transfer graph", "name") + _text(MARGIN, MARGIN + 39, counts, "small grey")
        for part in (
            *map(self._row, at.rows),
            *map(self._casing, at.lines),
            self._marked(),
            *map(self._node, at.lines),
            *map(self._bracket, at.brackets),
            *map(self._place, at.rows),
            *map(self._arc, at.arcs),
            *(self._tag(tag) for row in at.rows for tag in row.tags),
            *map(self._badge, range(len(at.steps)), at.steps),
        ):
            yield from part
        x = float(MARGIN)
        for sign, text in signs:
            yield f'<g transform="translate({x:g} {bottom:g})">{sign}</g>' + _text(x + 36, bottom + 4, text, "small")
            x += 60 + SMALL * len(text)
        for index, text in enumerate(told):
            yield _text(MARGIN, bottom + (30 if signs else 4) + 20 * index, text, "small")
        yield "</svg>"

    def _row(self, row: Row) -> Iterator[str]:
        """What leads from a place to the nodes that know it, and to its overrides."""
        if ends := [self._x[node] for node in row.nodes] + [self._at.port_x for _ in row.tags[:1]]:
            yield f'<path class="row" d="M{self._right:g} {row.y:g} H{max(ends):g}"/>'
        if row.tags[1:]:
            yield f'<path class="row" d="M{self._at.port_x:g} {row.tags[0].y:g} V{row.tags[-1].y:g}"/>'

    def _casing(self, line: Line) -> Iterator[str]:
        """Room around the line of a node, so that those of places pass below it."""
        top, _, last = self._down(line)
        yield f'<path class="casing" d="M{line.x:g} {top:g} V{last:g}"/>'

    def _down(self, line: Line) -> tuple[float, float, float]:
        """Where the line of a node begins, has its first stop, and ends."""
        stops = [row.y for row in self._at.rows if line.node in row.nodes]
        return MARGIN + self._at.hub, min(stops), max(stops)

    def _marked(self) -> Iterator[str]:
        """The way, as a marker pen would draw it."""
        y = {one: row.y for one, row in self._at.row_of.items()}
        for step in self._at.steps:
            across = f"H{self._x[step.node]:g} V{y[step.target_id]:g} H{self._right:g}"
            yield f'<path class="way" d="M{self._right:g} {y[step.source_id]:g} {across}"/>'
        for step, then in pairwise(self._at.steps):
            ends = {self._at.row_of[step.target_id], self._at.row_of[then.source_id]}
            joined = (each for each in self._at.brackets if each.linked and ends <= {*each.rows})
            if len(ends) > 1 and (bracket := next(joined, None)):
                x, (first, last) = self._lane(bracket), sorted(row.y for row in ends)
                yield f'<path class="way" d="M{self._left:g} {first:g} H{x:g} V{last:g} H{self._left:g}"/>'

    def _lane(self, bracket: Bracket) -> float:
        return self._left - 12 - LANE * bracket.lane

    def _node(self, line: Line) -> Iterator[str]:
        """A node: its name, what it does, and its line with the places that know it."""
        colour, hub = self._colour[line.node], self._at.hub
        top, first, last = self._down(line)
        yield f'<path class="to" stroke="{colour}" d="M{line.x:g} {top:g} V{first:g}"/>'
        yield f'<path class="node" stroke="{colour}" d="M{line.x:g} {first:g} V{last:g}"/>'
        for row in self._at.rows:
            if line.node in row.nodes:
                yield f'<circle class="stop" cx="{line.x:g}" cy="{row.y:g}" r="6" stroke="{colour}"/>'
        box = f'x="{line.x - line.width / 2:g}" y="{MARGIN}" width="{line.width:g}" height="{hub:g}"'
        yield f'<rect {box} rx="10" fill="{colour}"/>'
        yield _text(line.x, MARGIN + 21, shortened(line.node), "name white middle")
        for index, word in enumerate(line.words):
            yield _text(line.x, MARGIN + 40 + 16 * index, word, "small white middle")

    def _bracket(self, bracket: Bracket) -> Iterator[str]:
        x = self._lane(bracket)
        first, *between, last = (row.y for row in bracket.rows)
        path = f"M{self._left:g} {first:g} H{x:g} V{last:g} H{self._left:g}"
        path += "".join(f" M{self._left:g} {y:g} H{x:g}" for y in between)
        for look in ("linked", "between") if bracket.linked else ("exclusive",):
            yield f'<path class="{look}" d="{path}"/>'

    def _place(self, row: Row) -> Iterator[str]:
        at = self._at
        on_way = any(place.id in (step.source_id, step.target_id) for step in at.steps for place in row.places)
        look = "on" if on_way else "place" if row.places[0].allow_transfers else "off"
        top, names = row.y - BOX / 2, f"<title>{escape(named([place.name for place in row.places], 20))}</title>"
        for shift in (6, 3, 0) if row.places[1:] else (0,):
            box = f'x="{self._left + shift:g}" y="{top + shift:g}" width="{at.box_width:g}" height="{BOX}" rx="8"'
            yield f'<rect class="{look}" {box}>{names}</rect>'
        yield _text(self._left + 12, row.y + 5, row.label, "name" if on_way else "grey" if look == "off" else "")
        if not row.nodes:
            why = "no transfers" if look == "off" else "no node with templates knows it"
            yield _text(self._right + 14, row.y + 4, why, "small grey")

    def _arc(self, arc: Arc) -> Iterator[str]:
        """An override for a pair: from what it says, at its source, to its target."""
        x, start, port = self._at.lane_x + LANE * arc.lane, self._at.tag_x + arc.source.width, self._at.port_x
        path = f"M{start:g} {arc.source.y:g} H{x:g} V{arc.target.y:g} H{port + 9:g}"
        yield f'<path class="edge" stroke="{self._colour[arc.source.node]}" d="{path}"/>'

    def _tag(self, tag: Tag) -> Iterator[str]:
        """What an override says, and an arrow from the place or to it."""
        port, x, y, colour = self._at.port_x, self._at.tag_x, tag.y, self._colour[tag.node]
        yield f'<path class="edge" stroke="{colour}" d="M{port:g} {y:g} H{x:g}"/>'
        tip, back = (x, x - 8) if tag.towards == "out" else (port + 1, port + 9)
        yield f'<path fill="{colour}" d="M{tip:g} {y:g} L{back:g} {y - 4.5:g} V{y + 4.5:g} z"/>'
        if tag.text:
            box = f'x="{x:g}" y="{y - TAG / 2 + 2:g}" width="{tag.width:g}" height="{TAG - 4}"'
            yield f'<rect class="tag{" used" if tag.used else ""}" {box} rx="10" stroke="{colour}"/>'
            yield _text(x + 9, y + 4, tag.text, "small")

    def _badge(self, index: int, step: Step) -> Iterator[str]:
        """The number of a step, beside where it leaves its source, and the direction it takes."""
        source, target = self._at.row_of[step.source_id].y, self._at.row_of[step.target_id].y
        down = source < target
        x, y = self._x[step.node], source + (BOX + self._at.gap) / 2 * (1 if down else -1)
        yield f'<rect class="badge" x="{x - 17:g}" y="{y - 9:g}" width="34" height="18" rx="9"/>'
        yield _text(x - 5, y + 4, str(index + 1), "small white middle name")
        tip, end = (y + 4, y - 3) if down else (y - 4, y + 3)
        yield f'<path class="white" d="M{x + 7:g} {tip:g} L{x + 3:g} {end:g} H{x + 11:g} z"/>'

    def _signs(self) -> Iterator[tuple[str, str]]:
        """What the signs mean that are used."""
        linked = {bracket.linked for bracket in self._at.brackets}
        if True in linked:
            yield '<path class="linked" d="M2 0 H28"/><path class="between" d="M2 0 H28"/>', "names of one place"
        if False in linked:
            yield '<path class="exclusive" d="M2 0 H28"/>', "one of them at a time"
        if any(row.tags for row in self._at.rows):
            arrow = '<path class="edge" stroke="#57606a" d="M2 0 H24"/><path fill="#57606a" d="M28 0 L20 -4.5 V4.5 z"/>'
            yield arrow, "override: action · cost"

    def _told(self) -> Iterator[str]:
        """What stands below."""
        if left_out := self._at.left_out:
            yield f"{_count(left_out, 'more place')} not drawn."
        if self._way is not None:
            yield f"The way: {_count(len(self._way.steps), 'step')}, cost {plain(self._way.cost)}."
        for number, step in enumerate(self._at.steps, start=1):
            yield f"{number}. {step.node} {step.action}: {step.source} to {step.target}, cost {plain(step.cost)}"
        for text in self._more:
            yield from wrap(text, WIDEST)

    def _title(self) -> str:
        ends = [(steps[0].source, steps[-1].target) for steps in (self._at.steps,) if steps]
        return "Transfer graph" + "".join(f", and the way from {source} to {target}" for source, target in ends)

    def _described(self) -> Iterator[str]:
        """The picture in words."""
        for line in self._at.lines:
            reached = [
                place.name for place in self._at.graph.places if line.node in place.nodes and place.allow_transfers
            ]
            yield f"{line.node} reaches {named(reached, 20)}."
        yield from self._told()


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text class="{look}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
