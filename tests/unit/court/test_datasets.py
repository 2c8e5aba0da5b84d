"""The first publication is whole, typed and honest; a Book answers by date."""

import dataclasses
from datetime import date

import pytest

from common import canonical
from common.court.book import Book
from common.court.datasets import DATASETS, Dataset, Mci, from_rows, initial_publication, to_rows
from common.errors import NotFound, Refused
from common.people import kazakh_key

PUBLICATION = tuple(initial_publication())
TODAY = date(2026, 11, 20)
BOOK = Book(PUBLICATION, on=TODAY)


def test_every_dataset_is_published_once() -> None:
    assert [dataset.name for dataset in PUBLICATION] == list(DATASETS)
    assert all(dataset.rows for dataset in PUBLICATION)


@pytest.mark.parametrize("dataset", PUBLICATION, ids=lambda dataset: dataset.name)
def test_rows_travel_as_canonical_entries(dataset: Dataset) -> None:
    wire = canonical.decode(canonical.encode(to_rows(dataset)))
    assert from_rows(dataset.name, wire) == dataset.rows


def test_every_source_is_explained() -> None:
    explained = {row["source_id"] for row in to_rows(PUBLICATION[0])}
    used = {row["source"] for dataset in PUBLICATION[1:] for row in to_rows(dataset)}
    assert used == explained


def test_rows_are_strict() -> None:
    rows = to_rows(next(dataset for dataset in PUBLICATION if dataset.name == "mci"))
    for broken in ({**rows[0], "extra": 1}, {**rows[0], "value_tiyn": "265100"}, {"source": "x"}):
        with pytest.raises(Refused) as refusal:
            from_rows("mci", [rows[0], broken])
        assert (refusal.value.code, refusal.value.params["row"]) == ("reference.rows", 2)
    with pytest.raises(Refused):
        from_rows("weather", [])


def test_courts_are_listed_by_region_in_kazakh_order() -> None:
    assert len(BOOK.courts) == 399
    almaty = BOOK.courts_of("75")
    assert len(almaty) == 20
    assert [court.name_kk for court in almaty] == sorted((court.name_kk for court in almaty), key=kazakh_key)
    assert all(court.status == "active" for region in BOOK.regions for court in BOOK.courts_of(region.rr))
    assert BOOK.courts_of("00") == ()


def test_case_number_prefixes_are_unique_and_marked() -> None:
    codes = [court.rrcc for court in BOOK.courts if court.rrcc]
    assert len(codes) == len(set(codes)) == 42 + 347
    for court in BOOK.courts:
        assert (court.rrcc_status == "none") == (court.rrcc == "")
        if court.rrcc:
            assert court.rrcc[:2] == court.region_rr
            assert BOOK.court_by_rrcc(court.rrcc) == court
    assert BOOK.court("kz-13").rrcc_status == "known"
    assert BOOK.court("kz-283").rrcc_status == "provisional"
    assert {court.type for court in BOOK.courts if court.rrcc_status == "none"} == {"military", "cassation"}


def test_a_court_nobody_knows() -> None:
    assert BOOK.find_court("kz-0") is None
    with pytest.raises(NotFound):
        BOOK.court("kz-0")


def test_english_falls_back_to_russian() -> None:
    court = BOOK.court("kz-13")
    assert (BOOK.name(court, "kk"), BOOK.name(court, "en")) == ("Алматы қалалық соты", "Алматинский городской суд")
    order = BOOK.category("case_category", "order.4")
    assert order is not None
    assert BOOK.name(order, "en") == order.name_ru


def test_regions_have_their_place() -> None:
    territories = [region for region in BOOK.regions if region.territory]
    assert len(territories) == 20
    assert all(region.lat and 40 < region.lat < 56 and region.lon and 46 < region.lon < 88 for region in territories)


def test_no_classifier_word_hangs_in_the_air() -> None:
    codes = {row.code for row in BOOK.categories()}
    assert [row.code for row in BOOK.categories() if row.parent and row.parent not in codes] == []
    assert [row.code for row in BOOK.categories("case_category", "claim.family")][0] == "claim.family.divorce"


def test_the_index_is_known_for_some_years_only() -> None:
    def value(on: date) -> int | None:
        row = BOOK.mci(on)
        return row.value_tiyn if row else None

    assert value(date(2025, 12, 31)) == 393_200
    assert value(date(2026, 1, 1)) == 432_500
    assert value(date(2027, 1, 1)) is None
    assert value(date(2020, 5, 1)) is None  # two values that year, which one counts for duty is not known


def test_a_later_version_serves_later_days_only() -> None:
    first = next(dataset for dataset in PUBLICATION if dataset.name == "mci")
    row = Mci(valid_from=date(2027, 1, 1), value_tiyn=470_000, for_duty=True, source="none", verified="general")
    later = dataclasses.replace(first, version=2, valid_from="2027-01-01", rows=(row,))
    book = Book((*PUBLICATION, later), on=TODAY)
    assert book.mci(date(2027, 2, 1)) == row
    assert book.mci(TODAY) == BOOK.mci(TODAY)
    assert (book.version("mci"), Book((*PUBLICATION, later)).version("mci")) == (1, 2)


def test_rates_are_not_known_before_the_new_code() -> None:
    assert BOOK.duty_rates(date(2025, 12, 31)) == ()
    assert len(BOOK.duty_rates(TODAY)) == 25
    assert len(BOOK.exemptions(TODAY)) == 35


def test_grounds_by_stage() -> None:
    assert [ground.ground_id for ground in BOOK.refusal_grounds("refuse_registration")][:2] == ["reg-sign", "reg-who"]
    ground = BOOK.refusal_ground("cpc152-3")
    assert ground is not None
    assert ground.can_be_cured
