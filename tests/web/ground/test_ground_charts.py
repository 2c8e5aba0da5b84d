"""Charts: geometry within the picture, the same numbers as a table, and no numbers at all."""

from hypothesis import given
from hypothesis import strategies as st

from common.court.book import Book
from common.court.datasets import initial_publication
from common.web.charts import TREND_BOTTOM, TREND_TOP, Sample, Seat, bars, country_map, trend
from common.web.country import place

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


def test_every_seat_of_a_region_lies_in_the_picture_and_others_stay_in_the_table() -> None:
    seats = [
        Seat(region.centre_kk, region.lat if region.territory else None, region.lon, 3, "ok", "in touch")
        for region in Book(initial_publication()).regions
    ]
    drawn = country_map("x", seats, heads=("a", "b", "c"))
    assert len(drawn.points) == 20
    assert len(drawn.rows) == len(seats) > 20
    assert all(10 < point.x < 690 and 10 < point.y < 400 for point in drawn.points)


def test_places_lie_as_on_a_map() -> None:
    astana, almaty, aktau = place(51.13, 71.43), place(43.25, 76.92), place(43.65, 51.17)
    assert aktau[0] < astana[0] < almaty[0]
    assert astana[1] < aktau[1] < almaty[1]  # east of the middle, parallels come down
