"""The reference book: everything published, as it stood on one day, in memory and never changed.

    book = Book(initial_publication(), on=date(2026, 11, 20))
    book.court("kz-283").name_kk, book.mci(date(2026, 3, 1)), book.courts_of("47")

A node builds a new Book when the day changes or a publication arrives; building takes milliseconds. For each dataset the
newest version valid on the asked day is read; undated lookups (courts, regions, words) use the day of the Book itself.
Every list is in the order people expect: Kazakh alphabet for places, the publisher's order for classifiers.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

import msgspec

from common.court.datasets import (
    Category,
    Court,
    CourtCode,
    Dataset,
    Deadline,
    DutyRate,
    Exemption,
    Holiday,
    Mci,
    RefusalGround,
    Region,
    Row,
    RulePack,
    Source,
    SurveyQuestion,
)
from common.errors import N_, NotFound
from common.people import kazakh_key

R = TypeVar("R", bound=Row)


def name(row: Any, lang: str) -> str:
    """Return the row's name in ``lang``; where there is none (English names of courts), the Russian one."""
    text: str = getattr(row, f"name_{lang}", "")
    return text or str(row.name_ru)


class Book:
    """An immutable view of all datasets; ``on`` None means the newest version of each, whatever its dates."""

    __slots__ = (
        "_codes",
        "_courts",
        "_courts_by_id",
        "_courts_by_region",
        "_holidays",
        "_on",
        "_regions",
        "_versions",
    )

    def __init__(self, datasets: Iterable[Dataset], on: date | None = None) -> None:
        self._on = on
        self._versions: dict[str, list[Dataset]] = {}
        for dataset in sorted(datasets, key=lambda one: one.version, reverse=True):
            self._versions.setdefault(dataset.name, []).append(dataset)
        self._codes = {code.court_id: code for code in self._rows("court_codes", CourtCode, on)}
        courts = [self._with_code(court) for court in self._rows("courts", Court, on)]
        self._courts = tuple(sorted(courts, key=lambda court: kazakh_key(court.name_kk)))
        self._courts_by_id = {court.court_id: court for court in self._courts}
        self._courts_by_region: dict[str, tuple[Court, ...]] = {}
        for court in self._courts:
            if court.status == "active":
                self._courts_by_region[court.region_rr] = (*self._courts_by_region.get(court.region_rr, ()), court)
        self._regions = tuple(sorted(self._rows("regions", Region, on), key=_region_key))
        self._holidays = self._rows("holidays", Holiday, on)

    @property
    def on(self) -> date | None:
        """The day this book shows."""
        return self._on

    def version(self, dataset: str) -> int | None:
        """Return the version of ``dataset`` this book shows, or None where nothing is published for its day."""
        found = self._version_at(dataset, self._on)
        return found.version if found else None

    # -- courts and regions

    @property
    def courts(self) -> tuple[Court, ...]:
        """All courts, whatever their status, in Kazakh order."""
        return self._courts

    def court(self, court_id: str) -> Court:
        """Return one court; raises NotFound("reference.court")."""
        court = self._courts_by_id.get(court_id)
        if court is None:
            raise NotFound("reference.court", N_("This court is not in the list of courts."))
        return court

    def find_court(self, court_id: str) -> Court | None:
        """Return one court or None."""
        return self._courts_by_id.get(court_id)

    def court_by_rrcc(self, rrcc: str) -> Court | None:
        """Return the court whose case numbers begin with ``rrcc``, or None."""
        return next((court for court in self._courts if court.rrcc == rrcc), None)

    def courts_of(self, region_rr: str) -> tuple[Court, ...]:
        """Return the active courts of a region in Kazakh order; empty for a region nobody knows."""
        return self._courts_by_region.get(region_rr, ())

    @property
    def regions(self) -> tuple[Region, ...]:
        """All regions: places in Kazakh order, then the republican and military courts."""
        return self._regions

    def region(self, rr: str) -> Region | None:
        """Return one region or None."""
        return next((region for region in self._regions if region.rr == rr), None)

    # -- words

    def categories(self, kind: str | None = None, parent: str | None = None) -> tuple[Category, ...]:
        """Return classifier words of ``kind`` (None: all), directly under ``parent`` (None: all; "": the top), in published order."""
        rows = self._rows("categories", Category, self._on)
        return tuple(row for row in rows if (kind is None or row.kind == kind) and (parent is None or row.parent == parent))

    def category(self, kind: str, code: str) -> Category | None:
        """Return one classifier word or None."""
        return next((row for row in self.categories(kind) if row.code == code), None)

    def refusal_grounds(self, stage: str | None = None) -> tuple[RefusalGround, ...]:
        """Return grounds of one stage (refuse_registration, return, refuse_acceptance, …) or of all."""
        rows = self._rows("refusal_grounds", RefusalGround, self._on)
        return tuple(row for row in rows if stage is None or row.stage == stage)

    def refusal_ground(self, ground_id: str) -> RefusalGround | None:
        """Return one ground or None."""
        return next((row for row in self.refusal_grounds() if row.ground_id == ground_id), None)

    @property
    def survey_questions(self) -> tuple[SurveyQuestion, ...]:
        """The questions of the survey in their order."""
        return tuple(sorted(self._rows("survey_questions", SurveyQuestion, self._on), key=lambda row: row.position))

    def source(self, source_id: str) -> str:
        """Return the text behind a ``source`` column; the id itself where it is not explained."""
        rows = self._rows("sources", Source, self._on)
        return next((row.text for row in rows if row.source_id == source_id), source_id)

    # -- money and time, by date

    def mci(self, on: date) -> Mci | None:
        """Return the index that counts for duty on that day, or None where it is not known."""
        rows = _in_force(self._rows("mci", Mci, on), on)
        return next((row for row in rows if row.for_duty and row.value_tiyn is not None), None)

    def duty_rates(self, on: date) -> tuple[DutyRate, ...]:
        """Return the rates in force on that day."""
        return _in_force(self._rows("duty_rates", DutyRate, on), on)

    def exemptions(self, on: date) -> tuple[Exemption, ...]:
        """Return the exemptions in force on that day."""
        return _in_force(self._rows("duty_exemptions", Exemption, on), on)

    def deadlines(self, kind: str | None = None) -> tuple[Deadline, ...]:
        """Return terms, court terms, thresholds or rules; all of them where ``kind`` is None."""
        rows = self._rows("deadlines", Deadline, self._on)
        return tuple(row for row in rows if kind is None or row.kind == kind)

    def deadline(self, deadline_id: str) -> Deadline | None:
        """Return one row or None."""
        return next((row for row in self.deadlines() if row.deadline_id == deadline_id), None)

    @property
    def holidays(self) -> tuple[Holiday, ...]:
        """Days that differ from their weekday, all published years."""
        return self._holidays

    def rule_pack(self, on: date) -> RulePack | None:
        """Return the rule pack in force on that day, or None."""
        return next(iter(_in_force(self._rows("rule_packs", RulePack, on), on)), None)

    def name(self, row: Any, lang: str) -> str:
        """Return the row's name in ``lang``, as the function `name` does."""
        return name(row, lang)

    def _version_at(self, dataset: str, on: date | None) -> Dataset | None:
        day = on.isoformat() if on else None
        for version in self._versions.get(dataset, ()):
            if day is None or (version.valid_from <= day and (version.valid_to is None or day <= version.valid_to)):
                return version
        return None

    def _rows(self, dataset: str, kind: type[R], on: date | None) -> tuple[R, ...]:
        found = self._version_at(dataset, on)
        # a Dataset made elsewhere might carry rows of another type: they are left out rather than trusted
        return tuple(row for row in found.rows if isinstance(row, kind)) if found else ()

    def _with_code(self, court: Court) -> Court:
        if court.rrcc:
            return msgspec.structs.replace(court, rrcc_status="known")
        code = self._codes.get(court.court_id)
        return msgspec.structs.replace(court, rrcc=code.rrcc, rrcc_status=code.status) if code else court


D = TypeVar("D", DutyRate, Exemption, Mci, RulePack)


def _in_force(rows: Sequence[D], on: date) -> tuple[D, ...]:
    return tuple(row for row in rows if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to))


def _region_key(region: Region) -> tuple[bool, str]:
    return (not region.territory, kazakh_key(region.name_kk))
