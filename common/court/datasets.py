"""Dated reference data as typed rows: courts, duty, terms, holidays and what else the law or the register may change.

- `DATASETS` names every dataset and the type of its rows; nothing of it is hard-coded elsewhere.
- A `Dataset` is one version of one dataset. The centre publishes it as `reference.publish`; a later version never rewrites
  what was done under an earlier one.
- `initial_publication` reads the CSV files beside this module, which are the first publication and nothing else:
  pages ask a `Book` (common.court.book) built from what was published.
- Rows hold what canonical CBOR holds: no floats. Percent and index rates are thousandths, coordinates are millionths of
  a degree, money is tiyn, dates are ISO text on the wire and `date` in the row.

``source`` is the id of a row of the dataset ``sources``; ``verified`` is "source" (read in the named text) or "general"
(general knowledge or ours: show it as unverified).
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from common.errors import N_, Corrupt, Refused

Verified = Literal["source", "general"]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every row; rows compare and hash by value."""


class Source(Row, frozen=True, kw_only=True):
    source_id: str
    text: str


class Court(Row, frozen=True, kw_only=True):
    """``rrcc`` is the first group of case numbers; ``rrcc_status`` says known, provisional or none (set by the Book)."""

    court_id: str
    region_rr: str
    level: Literal["first", "appeal", "cassation", "supreme"]
    type: str
    jurisdiction: str
    also_first: bool
    name_kk: str
    name_ru: str
    place_kk: str
    place_ru: str
    rrcc: str = ""
    rrcc_status: Literal["known", "provisional", "none"] = "none"
    status: Literal["active", "reported", "abolished"]
    source: str
    verified: Verified
    kk_verified: Verified


class CourtCode(Row, frozen=True, kw_only=True):
    """The first group of case numbers given to a court whose official one is not known."""

    court_id: str
    rrcc: str
    status: Literal["provisional", "known"]
    source: str
    verified: Verified


class Region(Row, frozen=True, kw_only=True):
    """``territory`` is false for the number prefixes that are no place (republican and military courts)."""

    rr: str
    iso: str
    territory: bool
    name_kk: str
    name_ru: str
    name_en: str
    centre_kk: str
    centre_ru: str
    centre_en: str
    lat_micro: int | None = None
    lon_micro: int | None = None
    source: str
    verified: str

    @property
    def lat(self) -> float | None:
        """Degrees north of the region's centre."""
        return None if self.lat_micro is None else self.lat_micro / 1_000_000

    @property
    def lon(self) -> float | None:
        """Degrees east of the region's centre."""
        return None if self.lon_micro is None else self.lon_micro / 1_000_000


class Category(Row, frozen=True, kw_only=True):
    """One word of a classifier: ``kind`` is proceedings, civil_kind, instance, claim_character, document_type, …"""

    kind: str
    code: str
    parent: str = ""
    name_kk: str
    name_ru: str
    name_en: str = ""
    portal_code: str = ""
    note: str = ""
    source: str
    verified: Verified
    kk_verified: Verified


class DutyRate(Row, frozen=True, kw_only=True):
    """``percent_milli`` and ``mci_milli`` are thousandths (of a percent, of the index); ``cap_mci`` is whole indices."""

    rate_id: str
    valid_from: date
    valid_to: date | None = None
    act: str
    article: str
    item: str
    claimant: str
    claim: str
    formula: str
    percent_milli: int | None = None
    mci_milli: int | None = None
    percent_of_rate: int | None = None
    cap_mci: int | None = None
    name_kk: str
    name_ru: str
    name_en: str
    note: str = ""
    source: str
    verified: Verified
    kk_verified: Verified


class Exemption(Row, frozen=True, kw_only=True):
    exemption_id: str
    valid_from: date
    valid_to: date | None = None
    act: str
    article: str
    item: str
    who: str
    name_kk: str
    name_ru: str
    name_en: str
    note: str = ""
    older_article: str = ""
    source: str
    verified: Verified
    kk_verified: Verified


class Mci(Row, frozen=True, kw_only=True):
    """The monthly calculation index; ``value_tiyn`` is None where the year is known to be unknown."""

    valid_from: date
    valid_to: date | None = None
    value_tiyn: int | None = None
    for_duty: bool
    note: str = ""
    source: str
    verified: Verified


class Deadline(Row, frozen=True, kw_only=True):
    """A term, a court's term, a threshold or a counting rule (``kind``); only the first two can be counted."""

    deadline_id: str
    kind: Literal["term", "court_term", "threshold", "rule", "obsolete"]
    code: str
    article: str
    name_kk: str
    name_ru: str
    name_en: str
    value: int | None = None
    unit: Literal["working_day", "day", "month", "year", "mci", "until", "none", ""] = ""
    starts: str = ""
    rule: str = ""
    text_as_of: str
    recheck: str
    source: str
    verified: Verified
    kk_verified: Verified


class RefusalGround(Row, frozen=True, kw_only=True):
    ground_id: str
    stage: str
    act: Literal["ruling", "clerk"]
    code: str
    article: str = ""
    item: str = ""
    name_kk: str
    name_ru: str
    name_en: str
    can_be_cured: bool
    source: str
    verified: Verified
    kk_verified: Verified


class Holiday(Row, frozen=True, kw_only=True):
    """A day that differs from its weekday: ``day_off`` yes, no (a weekend that is worked) or weekend (as any other)."""

    date: date
    kind: str
    day_off: Literal["yes", "no", "weekend"]
    name_kk: str
    name_ru: str
    name_en: str
    note: str = ""
    source: str
    verified: Verified


class SurveyQuestion(Row, frozen=True, kw_only=True):
    question_id: str
    position: int
    topic: str
    name_kk: str
    name_ru: str
    name_en: str
    source: str
    verified: Verified


class RulePack(Row, frozen=True, kw_only=True):
    """Which version of the checks of `common.court.rules` applies from when."""

    version: str
    valid_from: date
    valid_to: date | None = None
    name_kk: str
    name_ru: str
    name_en: str
    source: str
    verified: Verified


DATASETS: Final[Mapping[str, type[Row]]] = MappingProxyType(
    {
        "sources": Source,
        "courts": Court,
        "court_codes": CourtCode,
        "regions": Region,
        "categories": Category,
        "duty_rates": DutyRate,
        "duty_exemptions": Exemption,
        "mci": Mci,
        "deadlines": Deadline,
        "refusal_grounds": RefusalGround,
        "holidays": Holiday,
        "survey_questions": SurveyQuestion,
        "rule_packs": RulePack,
    }
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One published version of one dataset. ``valid_from`` and ``valid_to`` are ISO dates, both inclusive."""

    name: str
    version: int
    valid_from: str
    valid_to: str | None
    source: str
    rows: tuple[Row, ...]


def row_type(name: str) -> type[Row]:
    """Return the row type of the dataset ``name``; raises Refused("reference.dataset") for a name nobody knows."""
    try:
        return DATASETS[name]
    except KeyError:
        raise Refused("reference.dataset", N_("There is no dataset called «%(name)s»."), name=name[:80]) from None


def to_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the rows as plain maps for a canonical entry: text, integers, booleans and None only."""
    return [_wire(row) for row in dataset.rows]


def from_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return typed rows; raises Refused("reference.rows") naming the row where a column is missing, unknown or of another type."""
    kind = row_type(name)
    typed = []
    for number, row in enumerate(rows, start=1):
        try:
            typed.append(msgspec.convert(row, kind, strict=True))
        except msgspec.ValidationError as error:
            sentence = N_("Row %(row)d of the dataset «%(name)s» cannot be read: %(detail)s.")
            raise Refused("reference.rows", sentence, name=name, row=number, detail=str(error)) from error
    return tuple(typed)


def initial_publication() -> Iterator[Dataset]:
    """Yield the first version of every dataset, in the order of `DATASETS`.

    Raises Corrupt("reference.files") where a shipped file does not fit its type: the installation is damaged.
    """
    index = {line["name"]: line for line in _read("index")}
    for name in DATASETS:
        line = index[name]
        try:
            rows = from_rows(name, [_typed_cells(row_type(name), cells) for cells in _read(name)])
        except Refused as error:
            raise Corrupt("reference.files", N_("The reference file %(name)s.csv of this installation is damaged."), name=name) from error
        yield Dataset(name, int(line["version"]), line["valid_from"], line["valid_to"] or None, line["source"], rows)


def _wire(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(row)
    return plain


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("common.court").joinpath("data", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), strict=True))


def _typed_cells(kind: type[Row], cells: Mapping[str, str]) -> dict[str, Any]:
    """CSV knows text only: an empty optional cell is left to its default, yes/no and whole numbers are read by column type."""
    typed: dict[str, Any] = {}
    for column in msgspec.structs.fields(kind):
        cell = cells.get(column.name, "")
        if cell == "" and not column.required:
            continue
        typed[column.name] = _cell(column.type, cell)
    return typed


def _cell(kind: Any, cell: str) -> Any:
    if kind is bool:
        return {"yes": True, "no": False}.get(cell, cell)
    if kind is int or kind == int | None:
        return int(cell) if cell.lstrip("-").isdecimal() else cell
    return cell
