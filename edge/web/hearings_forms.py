"""The forms of a hearing: what is set, how it ended, and the officer's key under what was said before."""

import re
from datetime import date, time
from typing import Any, Final, get_args

from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, StringField, TextAreaField

from common.court.hearing_texts import LINK_CHARS_MAX, Kind, Mode, Outcome
from common.court.hearings import HALL_CHARS_MAX, Hearing
from common.court.terms import local_date
from common.errors import CourtError, NotFound
from common.papers.words import time_words
from common.web.forms import ChoiceField, CourtForm, DayField, ListField, Required, options
from common.web.keys import KeyForm
from edge.services.desk import NOT_FOR_YOU
from edge.services.hearings import Closing, Draft, Target
from edge.web.hearings_words import KINDS, MODES, OPENNESS, OUTCOMES

TIME: Final = re.compile(r"(\d{1,2})[:.](\d{2})")
SAID: Final = ("seen", "day", "at", "hall", "judge", "kind", "openness", "mode", "link", "outcome", "note")
"""What the first page says and the page with the key carries on; each form has some of them."""


class HourField(StringField):
    """A time of day as people write it, 10:30; its data is a ``time``, None for anything else."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist).strip()
        self.data: Any = None
        if not text:
            return
        found = TIME.fullmatch(text)
        try:
            self.data = time(int(found[1]), int(found[2])) if found else None
        except ValueError:
            self.data = None
        if self.data is None:
            raise ValueError(gettext("Write the hour as hours and minutes, for example 10:30."))

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return self.data.strftime("%H:%M") if isinstance(self.data, time) else ""


class HearingForm(CourtForm):
    """When, where and how; judges come from the staff list of the court."""

    seen = HiddenField()
    day = DayField(lazy_gettext("Day of the hearing"), [Required(lazy_gettext("Write the day of the hearing."))])
    at = HourField(
        lazy_gettext("Hour"),
        [Required(lazy_gettext("Write the hour of the hearing."))],
        description=lazy_gettext("hours and minutes: 10:30"),
    )
    hall = StringField(lazy_gettext("Hall"), [Required(lazy_gettext("Write the hall."))], render_kw={"maxlength": HALL_CHARS_MAX})
    judge = ListField(lazy_gettext("Judge"), choices=())
    kind = ListField(lazy_gettext("Kind of hearing"), choices=KINDS, default="main")
    openness = ChoiceField(lazy_gettext("Who may be present"), choices=OPENNESS, default="open")
    mode = ChoiceField(lazy_gettext("How to take part"), choices=MODES, default="hall")
    link = StringField(
        lazy_gettext("Link to the video conference"),
        description=lazy_gettext("Only for video. It begins with https://… and is shown to the participants and this court alone."),
        render_kw={"maxlength": LINK_CHARS_MAX},
    )

    def offer(self, judges: list[str], own: str) -> None:
        """Fill the list of judges; who is here stands first where they are one."""
        names = [own, *(name for name in judges if name != own)] if own in judges else judges
        self.judge.choices = options([(name, name) for name in names])

    def show(self, hearing: Hearing) -> None:
        """Fill a page that is opened to move ``hearing``."""
        fields: Any = self
        fields.day.data = local_date(hearing.starts_ms)
        fields.at.data = time.fromisoformat(time_words(hearing.starts_ms))
        fields.openness.data = "closed" if hearing.closed else "open"
        for name in ("hall", "judge", "kind", "mode", "link"):
            fields[name].data = getattr(hearing, name)

    def draft(self) -> Draft:
        """Return what was filled; the form was validated."""
        fields: Any = self
        return Draft(
            day=fields.day.data,
            at=fields.at.data,
            hall=" ".join((fields.hall.data or "").split()),
            kind=fields.kind.data,
            closed=fields.openness.data == "closed",
            mode=fields.mode.data,
            judge=fields.judge.data,
            link=(fields.link.data or "").strip(),
        )


class CloseForm(CourtForm):
    """How the hearing ended."""

    seen = HiddenField()
    outcome = ChoiceField(lazy_gettext("How did it end?"), choices=OUTCOMES, default="held")
    note = TextAreaField(lazy_gettext("Note for the participants"))

    def draft(self) -> Closing:
        """Return what was filled; the form was validated."""
        return Closing(outcome=self.outcome.data, note=(self.note.data or "").strip())


class SignForm(KeyForm):
    """The officer's key; what was said before stands in hidden fields, and what is wrong with it above the form."""

    seen = HiddenField()

    def said(self) -> list[tuple[str, str]]:
        """Return what was said, field by field, as the page before calls them."""
        return [(name, self._fields[name].data or "") for name in SAID if name in self._fields]

    def refuse(self, error: CourtError) -> None:
        if isinstance(self._fields.get(error.field), HiddenField):
            error.field = ""
        super().refuse(error)


class SignSetForm(SignForm):
    """The key under a hearing that is set or moved."""

    day = HiddenField()
    at = HiddenField()
    hall = HiddenField()
    judge = HiddenField()
    kind = HiddenField()
    openness = HiddenField()
    mode = HiddenField()
    link = HiddenField()

    def say(self, draft: Draft, target: Target) -> None:
        """Carry ``draft`` over to the page with the key."""
        self.seen.data, self.day.data, self.at.data = target.seen.hex(), draft.day.isoformat(), draft.at.strftime("%H:%M")
        self.openness.data = "closed" if draft.closed else "open"
        self.hall.data, self.judge.data, self.kind.data = draft.hall, draft.judge, draft.kind
        self.mode.data, self.link.data = draft.mode, draft.link

    def draft(self) -> Draft:
        """Return what was said; raises NotFound for what no page of ours says."""
        try:
            day, at = date.fromisoformat(self.day.data or ""), time.fromisoformat(self.at.data or "")
        except ValueError as error:
            raise NotFound("access.none", NOT_FOR_YOU) from error
        kind, mode = self.kind.data or "", self.mode.data or ""
        if kind not in get_args(Kind) or mode not in get_args(Mode) or at.tzinfo is not None:
            raise NotFound("access.none", NOT_FOR_YOU)
        return Draft(
            day=day,
            at=at,
            hall=self.hall.data or "",
            kind=kind,  # type: ignore[arg-type]  # one of them
            closed=self.openness.data == "closed",
            mode=mode,  # type: ignore[arg-type]  # one of them
            judge=self.judge.data or "",
            link=self.link.data or "",
        )


class SignCloseForm(SignForm):
    """The key under how a hearing ended."""

    outcome = HiddenField()
    note = HiddenField()

    def say(self, closing: Closing, target: Target) -> None:
        """Carry ``closing`` over to the page with the key."""
        self.seen.data, self.outcome.data, self.note.data = target.seen.hex(), closing.outcome, closing.note

    def draft(self) -> Closing:
        """Return what was said; raises NotFound for an outcome that there is not."""
        outcome = self.outcome.data or ""
        if outcome not in get_args(Outcome):
            raise NotFound("access.none", NOT_FOR_YOU)
        return Closing(outcome=outcome, note=self.note.data or "")  # type: ignore[arg-type]  # one of them
