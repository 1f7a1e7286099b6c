"""Where everything goes in a picture of the transfer graph: places are rows, nodes are lines that run down past them,
and overrides stand at the right of the places that they are for.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Final, Literal, NamedTuple, TypeVar

from labstow.contracts.capabilities import TransferTemplate
from labstow.contracts.transfer import Way
from labstow.workers.kit.journal import plain
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place

MOST_ROWS: Final = 60
FEW_ROWS: Final = 24
MOST_ARCS: Final = 24
MOST_TAGS: Final = 3
MOST_LETTERS: Final = 34
MOST_TRIED: Final = 200

MARGIN: Final = 24
BOX: Final = 28
TAG: Final = 25
LANE: Final = 14
GAP: Final = 10
LETTER: Final = 8.7
SMALL: Final = 6.9

T = TypeVar("T")


@dataclass(eq=False)
class Tag:
    """An override, beside a place that it is for."""

    text: str
    node: str
    towards: Literal["out", "in"]
    used: bool
    y: float = 0

    @property
    def width(self) -> float:
        """Of its box."""
        return len(self.text) * SMALL + 18


@dataclass(eq=False)
class Row:
    """A place; or several that look the same, where there are too many to draw each."""

    places: tuple[Place, ...]
    nodes: frozenset[str]
    """Those that can bring something there, or take something away."""
    tags: list[Tag] = field(default_factory=list)
    y: float = 0
    """Of its middle."""

    @property
    def label(self) -> str:
        """What is written on it."""
        return shortened(self.places[0].name) + (f" and {len(self.places) - 1:,} more" if self.places[1:] else "")


@dataclass(eq=False)
class Line:
    """A node, from its name down to the last place that it knows."""

    node: str
    words: tuple[str, ...]
    """What it does by default."""
    number: int
    """Among all nodes, by name."""
    x: float = 0
    width: float = 0


class Arc(NamedTuple):
    """An override for a pair, from a tag at its source to one at its target."""

    source: Tag
    target: Tag
    lane: int


class Bracket(NamedTuple):
    """Places that belong together."""

    rows: tuple[Row, ...]
    linked: bool
    """Else they exclude each other."""
    lane: int


class Layout:
    """The parts of a picture, and where they are."""

    def __init__(self, graph: Graph, way: Way | None) -> None:
        self.graph, self.steps = graph, way.steps if way else ()
        self.rows = self._make_rows()
        self.row_of = {place.id: row for row in self.rows for place in row.places}
        self.left_out = len(graph.places) - len(self.row_of)
        """How many places are not drawn."""
        self.lines = self._make_lines()
        self._put_in_order()
        pairs = self._make_tags()
        self._set_heights()
        self.arcs = [
            Arc(*tags, lane) for tags, lane in _in_lanes(pairs, lambda tags: [tag.y for tag in tags], lambda _: 0)
        ]
        can = graph.capabilities
        groups = [(True, group) for group in can.linked] + [(False, group) for group in can.exclusive]
        together = {(linked, rows): None for linked, group in groups if (rows := self._known(group))[1:]}
        placed = _in_lanes(together, lambda each: [row.y for row in each[1]], lambda each: not each[0])
        self.brackets = [Bracket(rows, linked, lane) for (linked, rows), lane in placed]
        self._set_widths()

    def _known(self, group: Iterable[str]) -> tuple[Row, ...]:
        found = (self.row_of.get(place.id) for key in group if (place := self.graph.find(key)))
        return tuple(sorted({row for row in found if row}, key=lambda row: row.y))

    def _make_rows(self) -> list[Row]:
        graph, levels = self.graph, self.graph.levels
        on_way = {one for step in self.steps for one in (step.source_id, step.target_id)}
        groups = (*graph.capabilities.linked, *graph.capabilities.exclusive)
        apart = on_way | {place.id for group in groups for key in group if (place := graph.find(key))}
        apart |= {one for level in (levels.by_source, levels.by_target, levels.by_pair) for ids in level for one in ids}
        alike: dict[tuple[object, ...], list[Place]] = defaultdict(list)
        for place in graph.places:
            nodes = place.nodes & levels.nodes if place.allow_transfers else frozenset[str]()
            own = place.id if len(graph.places) <= MOST_ROWS or place.id in apart else None
            alike[nodes, place.allow_transfers, own].append(place)
        rows = [Row(tuple(places), nodes) for (nodes, *_), places in alike.items() if isinstance(nodes, frozenset)]
        rows.sort(key=lambda row: (row.places[0].id not in on_way, -len(row.places), row.label))
        return rows[:MOST_ROWS]

    def _make_lines(self) -> list[Line]:
        does: dict[str, list[str]] = defaultdict(list)
        for template in self.graph.levels.default:
            does[template.node_name].append(_told(template))
        shown = {node for row in self.rows for node in row.nodes}
        return [
            Line(node, tuple(_first(does[node])) or ("overrides only",), number)
            for number, node in enumerate(sorted(self.graph.levels.nodes))
            if node in shown
        ]

    def _put_in_order(self) -> None:
        """Places and nodes go near what they have to do with: lines are short then, and cross little."""
        for _ in range(4):
            self.rows = _in_rows(self.rows, self.lines)
            mean = {line: fmean(_indexes(self.rows, line)) for line in self.lines}
            self.lines = [line for _, _, line in sorted((mean[line], line.node, line) for line in self.lines)]
        best = self.lines
        for one, other in list(combinations(range(len(best)), 2))[:MOST_TRIED]:
            tried = list(best)
            tried[one], tried[other] = tried[other], tried[one]
            best = min(best, tried, key=lambda lines: _length(_in_rows(self.rows, lines), lines))
        self.rows, self.lines = _in_rows(self.rows, best), best

    def _make_tags(self) -> list[tuple[Tag, Tag]]:
        """Puts overrides that can serve beside their places. Answers both ends of those that are for pairs."""
        levels = self.graph.levels
        for row in self.rows:
            one = row.places[0].id
            for level, templates in (
                ("source", levels.by_source.get((one,), ())),
                ("target", levels.by_target.get((one,), ())),
            ):
                can = [each for each in templates if each.node_name in row.nodes]
                for each in can[:MOST_TAGS]:
                    used = self._is_used(level, each, one)
                    row.tags.append(Tag(_told(each), each.node_name, "out" if level == "source" else "in", used))
        ends = list[tuple[Tag, Tag]]()
        for (source_id, target_id), templates in sorted(levels.by_pair.items(), key=self._by_names):
            source, target = self.row_of.get(source_id), self.row_of.get(target_id)
            if source and target and source is not target and len(ends) < MOST_ARCS:
                for each in [one for one in templates if one.node_name in source.nodes & target.nodes][:1]:
                    used = self._is_used("pair", each, source_id, target_id)
                    leaving = Tag(_told(each), each.node_name, "out", used)
                    coming = Tag("", each.node_name, "in", used)
                    source.tags.append(leaving)
                    target.tags.append(coming)
                    ends.append((leaving, coming))
        return ends

    def _by_names(self, pair: tuple[tuple[str, ...], object]) -> list[str]:
        return [self.graph.place(one).name for one in pair[0]]

    def _is_used(self, level: str, template: TransferTemplate, *ids: str) -> bool:
        """Whether the way that is shown has a step by an override."""
        return any(
            step.level == level
            and (step.node, step.action) == (template.node_name, template.action)
            and {*ids} <= {step.source_id, step.target_id}
            for step in self.steps
        )

    def _set_heights(self) -> None:
        gap = self.gap = GAP if len(self.rows) <= FEW_ROWS else GAP / 2
        self.hub = 32 + 16 * max((len(line.words) for line in self.lines), default=1)
        y: float = MARGIN + self.hub + 16
        before: Row | None = None
        for row in self.rows:
            y += gap if before and before.nodes != row.nodes else 0
            height = max(BOX, TAG * len(row.tags)) + gap
            row.y = y + height / 2
            for index, tag in enumerate(row.tags):
                tag.y = row.y + TAG * (index - (len(row.tags) - 1) / 2)
            y, before = y + height, row
        self.bottom = y

    def _set_widths(self) -> None:
        brackets = [bracket.lane for bracket in self.brackets]
        self.box_x = MARGIN + (LANE * (max(brackets) + 1) + 6 if brackets else 0)
        self.box_width = max((len(row.label) * LETTER + 24 for row in self.rows), default=0)
        self.box_width = max(self.box_width, 130)
        x = self.box_x + self.box_width + 26
        for line in self.lines:
            line.width = max(len(shortened(line.node)) * LETTER, *(len(word) * SMALL for word in line.words)) + 22
            line.x = x + line.width / 2
            x += line.width + 14
        self.port_x = x + 6
        self.tag_x = self.port_x + 30
        tags = [tag.width for row in self.rows for tag in row.tags]
        self.lane_x = self.tag_x + max(tags, default=0) + LANE
        lanes = [arc.lane for arc in self.arcs]
        right = self.lane_x + LANE * (max(lanes) + 1) if lanes else self.lane_x if tags else x
        self.width = max(right + MARGIN, 420)


def _in_rows(rows: list[Row], lines: list[Line]) -> list[Row]:
    """Rows by the nodes they have, from left to right; last those that have none."""
    column = {line.node: index for index, line in enumerate(lines)}
    at = {row: sorted(column[node] for node in row.nodes) for row in rows}
    return sorted(
        rows,
        key=lambda row: (not at[row], not row.places[0].allow_transfers, fmean(at[row] or [0]), at[row], row.label),
    )


def _indexes(rows: list[Row], line: Line) -> list[int]:
    return [index for index, row in enumerate(rows) if line.node in row.nodes]


def _length(rows: list[Row], lines: list[Line]) -> int:
    """How far all lines run down past places that have nothing to do with them."""
    return sum(ends[-1] - ends[0] - len(ends) for line in lines if (ends := _indexes(rows, line)))


def shortened(text: str) -> str:
    """A text that is not too long for a picture."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _told(template: TransferTemplate) -> str:
    return f"{shortened(template.action)} · {plain(template.cost)}"


def _first(texts: Sequence[str]) -> list[str]:
    """The first few of them, and how many there are besides."""
    more = len(texts) - MOST_TAGS
    return [*texts[:MOST_TAGS], *([f"and {more} more"] if more > 0 else [])]


def _in_lanes(
    parts: Iterable[T], reach: Callable[[T], Sequence[float]], rank: Callable[[T], int]
) -> list[tuple[T, int]]:
    """Parts with lanes for them, so that no two meet; those of low rank and short ones nearest."""
    lanes: list[list[Sequence[float]]] = []
    found = []
    for part in sorted(parts, key=lambda each: (rank(each), abs(reach(each)[-1] - reach(each)[0]), reach(each))):
        mine = sorted(reach(part))
        free = (
            lane for lane, taken in enumerate(lanes) if all(mine[-1] < one[0] or mine[0] > one[-1] for one in taken)
        )
        if (lane := next(free, len(lanes))) == len(lanes):
            lanes.append([])
        lanes[lane].append(mine)
        found.append((part, lane))
    return found
