"""Charts: geometry within the picture, the same numbers as a table, and no numbers at all."""

from hypothesis import given
from hypothesis import strategies as st

from common.web.charts import SEATS, TREND_BOTTOM, TREND_TOP, Sample, bars, country_map, trend

values = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(st.tuples(values, values), max_size=60), st.one_of(st.none(), st.floats(0, 1e6)))
def test_a_trend_stays_inside(pairs: list[tuple[float, float]], goal: float | None) -> None:
    samples = [Sample(str(place), min(pair), max(pair)) for place, pair in enumerate(pairs)]
    drawn = trend("x", samples, heads=("a", "b", "c"), goal=goal)
    for point in drawn.line.replace("M", "L").split("L")[1:]:
        assert TREND_TOP - 0.1 <= float(point.split()[1]) <= TREND_BOTTOM
    assert len(drawn.rows) == len(samples)


@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_bars_stay_inside(counts: list[int]) -> None:
    drawn = bars("x", [(str(place), count, "ok") for place, count in enumerate(counts)], heads=("a", "b"))
    assert all(0 <= bar.width <= 250 and bar.y + bar.height <= drawn.height for bar in drawn.bars)


def test_every_region_has_its_seat_and_others_stay_in_the_table() -> None:
    assert len(SEATS) == 20
    drawn = country_map("x", [("71", "Астана", 3, "ok", "in touch"), ("60", "Жоғарғы сот", 1, "off", "no line")], heads=("a", "b", "c"))
    assert len(drawn.points) == 1
    assert len(drawn.rows) == 2
