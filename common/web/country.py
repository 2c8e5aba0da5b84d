"""Kazakhstan on a screen: from degrees to places of a picture 730 wide and 408 high (its left edge is -10).

``outline.csv`` holds the country's outline as some two hundred points, longitude and latitude in degrees, written for this
project and only as exact as a hand's breadth on a screen needs. The projection is equidistant conic (standard parallels
43° and 54°, central meridian 67°): the country looks as on its own maps, and north is up in the middle.
"""

import csv
import functools
import math
from importlib import resources

LEFT, RIGHT, TOP, BOTTOM = 10.0, 690.0, 18.0, 396.0
"""Where the outline lies in the picture; what is left at the right is for names."""
SOUTH, NORTH, MIDDLE = math.radians(43), math.radians(54), math.radians(67)
CONE = (math.cos(SOUTH) - math.cos(NORTH)) / (NORTH - SOUTH)
APEX = math.cos(SOUTH) / CONE + SOUTH


def place(lat: float, lon: float) -> tuple[float, float]:
    """Return (x, y) of a place given in degrees north and east."""
    west, south, scale = _frame()
    x, y = _conic(lat, lon)
    return round(LEFT + (x - west) * scale, 1), round(BOTTOM - (y - south) * scale, 1)


@functools.cache
def land() -> str:
    """Return the outline as the path of an SVG."""
    points = [place(lat, lon) for lon, lat in _outline()]
    return "M" + "L".join(f"{x} {y}" for x, y in points) + "Z"


@functools.cache
def _outline() -> tuple[tuple[float, float], ...]:
    text = (resources.files("common.web") / "outline.csv").read_text("utf-8")
    return tuple((float(row["lon"]), float(row["lat"])) for row in csv.DictReader(text.splitlines()))


@functools.cache
def _frame() -> tuple[float, float, float]:
    """Return the westernmost and southernmost value of the projection, and its scale."""
    points = [_conic(lat, lon) for lon, lat in _outline()]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    return west, min(y for _, y in points), (RIGHT - LEFT) / (east - west)


def _conic(lat: float, lon: float) -> tuple[float, float]:
    radius, angle = APEX - math.radians(lat), CONE * (math.radians(lon) - MIDDLE)
    return radius * math.sin(angle), -radius * math.cos(angle)
