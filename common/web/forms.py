"""Forms: one base class, and the view of a field that the macro ``field()`` draws.

Every sentence of a validator is our own (WTForms' built-in ones have no Kazakh). A use case that refuses puts its
sentence at the field it names:

    form = LetterForm()
    if form.validate_on_submit():
        with form.refusals():
            number = letters.send(…)
            return redirect(url_for("letters.show", number=number))
    return form.page("edge/letters/write.html")
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from flask import render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, IntegerField, RadioField, SelectChoice, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, StopValidation

from common.errors import N_, CourtError
from common.web.languages import tell

CHOOSE = N_("Choose one of the answers.")
DATE_FORMATS = ["%d.%m.%Y", "%Y-%m-%d"]
KINDS = {
    "PasswordField": "password",
    "IntegerField": "number",
    "WholeField": "number",
    "DateField": "date",
    "DayField": "date",
    "TextAreaField": "textarea",
    "SelectField": "select",
    "ListField": "select",
    "RadioField": "choices",
    "ChoiceField": "choices",
    "SelectMultipleField": "checks",
    "ChecksField": "checks",
    "FileField": "file",
    "MultipleFileField": "file",
    "BooleanField": "checkbox",
    "EmailField": "email",
    "TelField": "tel",
    "HiddenField": "hidden",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers; ``hint`` is the small line under it."""

    value: str
    label: str
    chosen: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A field as the macro needs it; everything is text, ready to show."""

    kind: str
    name: str
    id: str
    label: str
    help: str = ""
    errors: tuple[str, ...] = ()
    value: str = ""
    checked: bool = False
    options: tuple[Choice, ...] = ()
    width: str = ""
    optional: str = ""
    """What stands in brackets after the label of a field that may stay empty."""
    required: bool = True
    inputmode: str = ""
    autocomplete: str = "off"
    rows: int = 5
    maxlength: int = 0
    accept: str = ""
    multiple: bool = False
    attrs: Mapping[str, str] = field(default_factory=dict)

    @property
    def described_by(self) -> str:
        """Ids of the help and the error, for aria-describedby."""
        return " ".join([f"{self.id}-h"] * bool(self.help) + [f"{self.id}-e"] * bool(self.errors))


class CourtForm(FlaskForm):
    """Base of every form."""

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Put the sentence of a CourtError with status under 500 where it belongs, and go on: the page shows it."""
        try:
            yield
        except CourtError as error:
            if error.status >= 500:
                raise
            self.refuse(error)

    def refuse(self, error: CourtError) -> None:
        """Show ``error`` at its field, or above the form when it names none of ours."""
        target = self._fields.get(error.field)
        if target is None:
            above: list[str] = self.form_errors
            above.append(tell(error))
        else:
            target.errors = (*target.errors, tell(error))

    def page(self, template: str, **values: Any) -> tuple[str, int]:
        """Return ``template`` with this form as ``form``, and 400 when something is to be corrected, else 200."""
        return render_template(template, form=self, **values), 400 if self.errors else 200


def went_back() -> bool:
    """Return whether a filled form came from the page after it (``back_form``): it is shown as it was, and nothing is checked."""
    return request.form.get("go") == "back"


class Required(InputRequired):
    """Something must be given; ``sentence`` says what, in the words of this form (lazy_gettext)."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)

    def __call__(self, form: Any, field: Field) -> None:
        given = field.raw_data and any(bool(part.strip()) if isinstance(part, str) else bool(part) for part in field.raw_data)
        if not given:
            field.errors[:] = []
            raise StopValidation(str(self.message))


def options(rows: Iterable[Sequence[Any]]) -> list[SelectChoice]:
    """Return what a field of choices takes, from (value, label) or (value, label, hint)."""
    return [SelectChoice(str(row[0]), row[1], {"hint": row[2]} if len(row) > 2 and row[2] else {}) for row in rows]


class ChoiceField(RadioField):
    """One of up to six answers, all in sight; ``choices`` are rows for ``options``."""

    def __init__(self, label: Any = None, validators: Any = None, choices: Iterable[Sequence[Any]] = (), **kwargs: Any) -> None:
        super().__init__(label, validators, choices=options(choices), invalid_choice_message=lazy_gettext(CHOOSE), **kwargs)


class ListField(SelectField):
    """One of many answers, in a list that opens."""

    def __init__(self, label: Any = None, validators: Any = None, choices: Iterable[Sequence[Any]] = (), **kwargs: Any) -> None:
        super().__init__(label, validators, choices=options(choices), invalid_choice_message=lazy_gettext(CHOOSE), **kwargs)


class ChecksField(SelectMultipleField):
    """Any of several answers."""

    def __init__(self, label: Any = None, validators: Any = None, choices: Iterable[Sequence[Any]] = (), **kwargs: Any) -> None:
        message = lazy_gettext("Choose from the answers shown.")
        super().__init__(label, validators, choices=options(choices), invalid_choice_message=message, **kwargs)


class DayField(DateField):
    """A date as people write it, 20.11.2026; its data is a ``date``."""

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, format=DATE_FORMATS, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not "".join(valuelist).strip():
            self.data = None  # whether it may stay empty is for Required to say
            return
        try:
            super().process_formdata([" ".join(valuelist).strip()])
        except ValueError as error:
            raise ValueError(gettext("Write the date as day.month.year, for example 20.11.2026.")) from error

    def _value(self) -> str:
        if isinstance(self.data, date):
            return self.data.strftime("%d.%m.%Y")
        return " ".join(self.raw_data or ())


class WholeField(IntegerField):
    """A whole number; spaces between groups are welcome."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist[0].split()) if valuelist else ""
        if not text:
            self.data = None
            return
        try:
            self.data = int(text)
        except ValueError as error:
            self.data = None
            raise ValueError(gettext("Write a whole number with digits only.")) from error


def view_of(source: Field | None = None, **given: Any) -> FieldView:
    """Return how ``source`` (a WTForms field, or nothing) is to be drawn; anything given by name wins."""
    base = _of_field(source) if source is not None else _of_names(given)
    if "options" in given:
        given["options"] = tuple(_choice(option, str(given.get("value", base.value))) for option in given["options"])
    changed = replace(base, **given)
    return replace(changed, help=changed.help or _default_help(changed.kind), inputmode=changed.inputmode or _keys_for(changed.kind))


def _of_names(given: Mapping[str, Any]) -> FieldView:
    return FieldView(kind=given.get("kind", "text"), name=given["name"], id=given.get("id", given["name"]), label=given["label"])


def _of_field(source: Field) -> FieldView:
    kind = KINDS.get(source.type, "text")
    return FieldView(
        kind=kind,
        name=source.name,
        id=source.id,
        label=str(source.label.text),
        help=str(source.description or ""),
        errors=tuple(str(error) for error in source.errors),
        value=_text_of(source, kind),
        checked=bool(source.data) if isinstance(source, BooleanField) else False,
        options=_options_of(source) if kind in ("select", "choices", "checks") else (),
        required=bool(source.flags.required),
        multiple=source.type == "MultipleFileField",
        maxlength=getattr(source.flags, "maxlength", None) or 0,
    )


def _text_of(source: Field, kind: str) -> str:
    if kind in ("password", "file", "choices", "checks", "select"):
        return ""
    if kind == "checkbox":
        return "y"
    return str(source._value() or "") if isinstance(source, StringField) or hasattr(source, "_value") else str(source.data or "")


def _options_of(source: Any) -> tuple[Choice, ...]:
    choices = []
    for value, label, chosen, *rest in source.iter_choices():
        extra = rest[0] if rest else {}
        choices.append(Choice(str(value), str(label), bool(chosen), str((extra or {}).get("hint", ""))))
    return tuple(choices)


def _choice(option: Choice | Sequence[str], value: str) -> Choice:
    if isinstance(option, Choice):
        return option
    hint = option[2] if len(option) > 2 else ""
    return Choice(str(option[0]), str(option[1]), str(option[0]) == value, str(hint))


def _default_help(kind: str) -> str:
    return str(gettext("day.month.year, for example 20.11.2026")) if kind == "date" else ""


def _keys_for(kind: str) -> str:
    return {"number": "numeric", "iin": "numeric", "date": "numeric", "email": "email", "tel": "tel"}.get(kind, "")


def errors_of(source: Any) -> list[tuple[str, str]]:
    """Return (id of the field, sentence) for a form or a list of such pairs; an error of the whole form has id ""."""
    if source is None:
        return []
    if isinstance(source, list | tuple):
        return [(str(target), str(sentence)) for target, sentence in source]
    pairs = [("", str(sentence)) for sentence in source.form_errors]
    for one in source:
        pairs += _errors_of_field(one)
    return pairs


def _errors_of_field(one: Any) -> list[tuple[str, str]]:
    inner = getattr(one, "entries", None) or (list(one) if one.type == "FormField" else [])
    if inner:
        return [pair for part in inner for pair in _errors_of_field(part)]
    return [(one.id, str(sentence)) for sentence in one.errors]


REQUIRED = N_("Fill this in.")
"""For a field whose label says everything: ``Required(lazy_gettext(REQUIRED))``. A sentence of its own is better."""
