"""The texts about a filing that a clerk or the filer signs, and what a fold demands of them."""

from collections.abc import Sequence

from common.court import texts
from common.facts import Body


class Ground(Body, frozen=True, kw_only=True):
    """A coded reason of the rule pack, with the words that were shown and signed; ``cure``: it can be put right."""

    code: str
    article: str
    text_kk: str
    text_ru: str
    cure: bool


def decision_lines(
    *,
    talon: str,
    court: str,
    date: str,
    executor: str,
    number: str = "",
    grounds: Sequence[Ground] = (),
    note: str = "",
    cure_until: str = "",
    redirected_to: str = "",
) -> list[texts.Line]:
    """Return the lines that the signed text of a decision must hold."""
    return [
        (texts.TALON, talon),
        (texts.COURT, court),
        (texts.DATE, date),
        (texts.EXECUTOR, executor),
        (texts.NUMBER, number),
        (texts.REDIRECTED_TO, redirected_to),
        *[(texts.GROUND, ground_words(each)) for each in grounds],
        (texts.GROUND, ""),  # no grounds: no such line
        (texts.NOTE, note),
        (texts.CURE_UNTIL, cure_until),
    ]


def decision_content(
    *,
    talon: str,
    court: str,
    date: str,
    executor: str,
    number: str = "",
    grounds: Sequence[Ground] = (),
    note: str = "",
    cure_until: str = "",
    redirected_to: str = "",
    court_name: str = "",
) -> bytes:
    """Return the text of a decision: registered with ``number``, handed to ``redirected_to``, else refused for ``grounds``.

    ``court`` and ``redirected_to`` are court ids, ``court_name`` is for people (both languages), dates are ISO.
    """
    lines = decision_lines(
        talon=talon,
        court=court,
        date=date,
        executor=executor,
        number=number,
        grounds=grounds,
        note=note,
        cure_until=cure_until,
        redirected_to=redirected_to,
    )
    return texts.write(_title(number, redirected_to), [*lines, (texts.COURT_NAME, court_name)])


def withdrawal_lines(*, talon: str, court: str, date: str, reason: str) -> list[texts.Line]:
    """Return the lines that the signed text of a withdrawal must hold."""
    return [(texts.TALON, talon), (texts.COURT, court), (texts.DATE, date), (texts.REASON, reason)]


def withdrawal_content(*, talon: str, court: str, date: str, reason: str = "", court_name: str = "") -> bytes:
    """Return the text by which the filer takes a filing back; ``court`` is the court that holds it now."""
    title = ("Мен құжаттарымды кері қайтарып аламын.", "Я отзываю свои документы.")
    lines = withdrawal_lines(talon=talon, court=court, date=date, reason=reason)
    return texts.write(title, [*lines, (texts.COURT_NAME, court_name)])


def _title(number: str, redirected_to: str) -> tuple[str, str]:
    if number:
        return "Құжаттар тіркелді.", "Документы зарегистрированы."
    if redirected_to:
        return "Құжаттар басқа сотқа жолданды.", "Документы направлены в другой суд."
    return "Құжаттарды тіркеуден бас тартылды.", "В регистрации документов отказано."


def ground_words(ground: Ground) -> str:
    """Return a ground as signed texts say it, on one line."""
    parts = (ground.code, ground.article, f"{ground.text_kk} / {ground.text_ru}")
    return texts.flat(" · ".join(part for part in parts if part))
