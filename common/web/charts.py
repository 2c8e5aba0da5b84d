"""Geometry of the small charts: numbers in, positions and texts out; the macros of ``shared/parts.html`` draw them.

Every chart carries its label for readers and the same numbers as a table. Tones are ``ok``, ``late`` and ``off``, and on
the map also shapes: circle, diamond, square.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from common.web import country

Tone = Literal["", "ok", "late", "off"]
Anchor = Literal["start", "end", "middle"]

BARS_WIDTH = 524
BAR_LEFT = 190
BAR_SPAN = 250
BAR_STEP = 28
BAR_HEIGHT = 18
TREND_WIDTH, TREND_HEIGHT = 524, 224
TREND_LEFT, TREND_RIGHT, TREND_TOP, TREND_BOTTOM = 44, 514, 20, 196
TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: str
    tone: Tone
    y: float
    width: float
    x: float = BAR_LEFT
    height: float = BAR_HEIGHT

    @property
    def text_y(self) -> float:
        return self.y + 13.5

    @property
    def value_x(self) -> float:
        return round(self.x + self.width + 8, 1)


@dataclass(frozen=True, slots=True)
class Bars:
    label: str
    bars: tuple[Bar, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    height: int
    width: int = BARS_WIDTH


def bars(label: str, rows: Sequence[tuple[str, int, Tone]], *, heads: tuple[str, str]) -> Bars:
    """Return horizontal bars for (name, count, tone), the longest as long as there is room."""
    most = max((count for _, count, _ in rows), default=0) or 1
    drawn = tuple(
        Bar(name, str(count), "" if tone == "ok" else tone, 8 + BAR_STEP * place, round(BAR_SPAN * count / most, 1))
        for place, (name, count, tone) in enumerate(rows)
    )
    return Bars(label, drawn, heads, tuple((name, str(count)) for name, count, _ in rows), 8 + BAR_STEP * max(1, len(rows)))


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Trend:
    label: str
    line: str
    band: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    goal_y: float | None
    goal_label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    width: int = TREND_WIDTH
    height: int = TREND_HEIGHT
    left: int = TREND_LEFT
    right: int = TREND_RIGHT


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a trend: its name on the axis, the middle value, and the upper edge of the band (or the same)."""

    name: str
    middle: float
    upper: float


def trend(label: str, samples: Sequence[Sample], *, heads: tuple[str, ...], goal: float | None = None, goal_label: str = "") -> Trend:
    """Return a line with a band above it over ``samples``, oldest first, and a dashed line at ``goal``."""
    top = _round_up(max([sample.upper for sample in samples] + [goal or 0, 1]))
    xs = _spread(len(samples))
    line = _path([(x, _y(sample.middle, top)) for x, sample in zip(xs, samples, strict=True)])
    upper = [(x, _y(sample.upper, top)) for x, sample in zip(xs, samples, strict=True)]
    lower = [(x, _y(sample.middle, top)) for x, sample in zip(xs, samples, strict=True)]
    return Trend(
        label,
        line,
        _path(upper + lower[::-1]) + "Z" if samples else "",
        _x_ticks(xs, samples),
        tuple(Tick(_y(top * step / TICKS, top), f"{top * step / TICKS:g}") for step in range(TICKS + 1)),
        None if goal is None else _y(goal, top),
        goal_label,
        heads,
        tuple((sample.name, f"{sample.middle:g}", f"{sample.upper:g}")[: len(heads)] for sample in samples),
    )


def _round_up(value: float) -> float:
    """Return a top whose ticks are whole numbers: most charts count things."""
    unit = TICKS
    while unit * 10 < value:
        unit *= 10
    return float(next(unit * step for step in (1, 2, 4, 5, 10) if unit * step >= value))


def _spread(count: int) -> list[float]:
    if count == 1:
        return [float(TREND_RIGHT)]
    return [round(TREND_LEFT + (TREND_RIGHT - TREND_LEFT) * place / (count - 1), 1) for place in range(count)]


def _y(value: float, top: float) -> float:
    return round(TREND_BOTTOM - (TREND_BOTTOM - TREND_TOP) * value / top, 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if place else 'M'}{x} {y}" for place, (x, y) in enumerate(points))


def _x_ticks(xs: Sequence[float], samples: Sequence[Sample]) -> tuple[Tick, ...]:
    if not samples:
        return ()
    places = sorted({round((len(samples) - 1) * step / TICKS) for step in range(TICKS + 1)})
    last = len(samples) - 1
    return tuple(Tick(xs[place], samples[place].name, "end" if place == last else "start" if place == 0 else "middle") for place in places)


@dataclass(frozen=True, slots=True)
class MapPoint:
    label: str
    tone: Tone
    x: float
    y: float
    r: float
    text_x: float
    text_y: float
    anchor: str

    @property
    def ring(self) -> float:
        return round(self.r + 5, 1)

    @property
    def diamond(self) -> str:
        r = self.r + 1
        return f"M{self.x} {self.y - r:.1f}L{self.x + r:.1f} {self.y}L{self.x} {self.y + r:.1f}L{self.x - r:.1f} {self.y}Z"


@dataclass(frozen=True, slots=True)
class Seat:
    """A town on the map: degrees (None: only in the table), how many things are there, the worst of them, that in words.

    ``anchor`` says on which side of it its name stands.
    """

    name: str
    lat: float | None
    lon: float | None
    count: int
    tone: Tone
    word: str
    anchor: Anchor = "start"


@dataclass(frozen=True, slots=True)
class MapChart:
    label: str
    points: tuple[MapPoint, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    land: str


def country_map(label: str, seats: Sequence[Seat], *, heads: tuple[str, ...]) -> MapChart:
    """Return the outline of the country with ``seats`` on it; their names, counts and words are also the rows of the table."""
    points = tuple(_point(seat, seat.lat, seat.lon) for seat in seats if seat.lat is not None and seat.lon is not None)
    return MapChart(label, points, heads, tuple((seat.name, str(seat.count), seat.word) for seat in seats), country.land())


def _point(seat: Seat, lat: float, lon: float) -> MapPoint:
    x, y = country.place(lat, lon)
    radius = round(min(11.0, 6.0 + seat.count**0.5 / 2), 1)
    room = radius + (9 if seat.tone == "off" else 5)  # the ring of the worst tone needs more
    shift = {"start": room, "end": -room, "middle": 0.0}[seat.anchor]
    text_y = y + (radius + 13 if seat.anchor == "middle" else 4)
    return MapPoint(seat.name, seat.tone or "ok", x, y, radius, round(x + shift, 1), round(text_y, 1), seat.anchor)
