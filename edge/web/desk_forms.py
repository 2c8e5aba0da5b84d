"""The forms of the desk: what is to be decided, and the clerk's key under it.

A decision takes two pages. The first says what (`RefuseForm`, `RedirectForm`); the second shows what the citizen will read
and takes the key (`SignForm`), with what was said before in hidden fields: nothing of it is kept on the machine meanwhile.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Optional

from common.court.datasets import Court, RefusalGround
from common.web.forms import ChecksField, CourtForm, DayField, ListField, options
from common.web.keys import KeyForm
from common.web.languages import current_language
from edge.services.decisions import Draft, Kind
from edge.web.desk_view import where_written

SEPARATOR = " "


class RefuseForm(CourtForm):
    """All defects at once; grounds come from the published list."""

    grounds = ChecksField(lazy_gettext("Grounds"), choices=())
    note = TextAreaField(lazy_gettext("Note for the citizen"))
    cure_until = DayField(lazy_gettext("The defects can be cured until"), [Optional()])

    def offer(self, grounds: Iterable[RefusalGround], suggested: frozenset[str], passed: frozenset[str]) -> None:
        """Fill the list; what the checks point at says so, what the citizen was told not to fear says so too."""
        self.grounds.choices = options([(each.ground_id, _name(each), _hint(each, suggested, passed)) for each in grounds])

    def propose(self, grounds: frozenset[str], cure_until: date | None) -> None:
        """Fill a page that is opened for the first time."""
        day: Any = self.cure_until
        self.grounds.data, day.data = sorted(grounds), cure_until

    def draft(self, kind: Kind) -> Draft:
        """Return what was filled."""
        return Draft(
            kind=kind,
            grounds=tuple(self.grounds.data or ()),
            note=(self.note.data or "").strip(),
            cure_until=self.cure_until.data if isinstance(self.cure_until.data, date) else None,
        )


class RedirectForm(CourtForm):
    """Another court of the region that was chosen."""

    redirected_to = ListField(lazy_gettext("Court"), choices=())
    note = TextAreaField(lazy_gettext("Note for the citizen"))

    def offer(self, courts: Iterable[Court], own: str) -> None:
        """Fill the list with the courts of one region."""
        rows = [(each.court_id, each.name_kk if current_language() == "kk" else each.name_ru) for each in courts if each.court_id != own]
        self.redirected_to.choices = options([("", gettext("not chosen yet")), *rows])

    def draft(self, kind: Kind) -> Draft:
        """Return what was filled."""
        return Draft(kind=kind, note=(self.note.data or "").strip(), redirected_to=self.redirected_to.data or "")


class SignForm(KeyForm):
    """The key under a decision that was said before."""

    executor = ListField(lazy_gettext("Executor"), choices=())
    grounds = HiddenField()
    note = HiddenField()
    cure_until = HiddenField()
    redirected_to = HiddenField()

    def offer(self, executors: Iterable[str], own: str) -> None:
        """Fill the list of executors; the signer stands first."""
        names = list(dict.fromkeys([own, *executors]))
        self.executor.choices = options([(name, name) for name in names])
        self.executor.data = self.executor.data or own

    def say(self, draft: Draft) -> None:
        """Carry ``draft`` over to the page with the key."""
        self.grounds.data = SEPARATOR.join(draft.grounds)
        self.note.data = draft.note
        self.cure_until.data = draft.cure_until.isoformat() if draft.cure_until else ""
        self.redirected_to.data = draft.redirected_to

    def draft(self, kind: Kind) -> Draft:
        """Return what was said; a day that nobody wrote is none, and is refused where one is needed."""
        return Draft(
            kind=kind,
            executor=self.executor.data or "",
            grounds=tuple((self.grounds.data or "").split()),
            note=self.note.data or "",
            cure_until=_day(self.cure_until.data or ""),
            redirected_to=self.redirected_to.data or "",
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _name(ground: RefusalGround) -> str:
    return ground.name_kk if current_language() == "kk" else ground.name_ru


def _hint(ground: RefusalGround, suggested: frozenset[str], passed: frozenset[str]) -> str:
    parts = [where_written(ground)]
    parts.append(gettext("can be cured") if ground.can_be_cured else gettext("cannot be cured"))
    if ground.ground_id in suggested:
        parts.append(gettext("the checks point at it"))
    elif ground.ground_id in passed:
        parts.append(gettext("was in order before signing"))
    return " · ".join(parts)
