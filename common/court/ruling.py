"""The judge's ruling on a registered filing (R4): accepted to proceedings, returned, or not accepted (CPC 150, 151, 152).

It is signed by a judge of the court, or the chairman, who is one, with the own key, over the text below; and it is written twice in
one unit of that court's machine, as registration is: about the filing (`filing.rule`) and about the case (`case.rule`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from common.court import texts
from common.court.filing_texts import Ground, ground_words
from common.court.writers import ObjectId, Sha256, require_judge
from common.errors import N_, Refused
from common.facts import Body, Fact, Known

Outcome = Literal["accepted", "returned", "declined"]
STAGES: Final[Mapping[str, str]] = MappingProxyType({"returned": "return", "declined": "refuse_acceptance"})
"""Which published grounds go with an outcome that needs some (`Book.refusal_grounds`)."""
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accepted": "іс жүргізуге қабылданды / принято к производству",
        "returned": "қайтарылды / возвращено",
        "declined": "қабылдаудан бас тартылды / в принятии отказано",
    }
)
"""What the signed text says of an outcome; never reworded."""


class Ruling(Body, frozen=True, kw_only=True):
    """What both entries say. ``filing`` and ``case`` are the objects, ``number`` the case's; ``date`` is an ISO text."""

    outcome: Outcome
    filing: ObjectId
    case: ObjectId
    talon: str
    court: str
    number: str
    grounds: list[Ground] = []
    note: str = ""
    date: str
    judge: str
    content: bytes
    signature: bytes
    certificate: Sha256


def lines(
    *, outcome: str, talon: str, court: str, number: str, date: str, judge: str, grounds: Sequence[Ground] = (), note: str = ""
) -> list[texts.Line]:
    """Return the lines that the signed text of a ruling must hold."""
    return [
        (texts.TALON, talon),
        (texts.COURT, court),
        (texts.NUMBER, number),
        (texts.RULING, WORDS[outcome]),
        (texts.DATE, date),
        (texts.JUDGE, judge),
        *[(texts.GROUND, ground_words(each)) for each in grounds],
        (texts.GROUND, ""),  # no grounds: no such line
        (texts.NOTE, note),
    ]


def write(said: Sequence[texts.Line], *, court_name: str) -> bytes:
    """Return the text to sign; ``said`` are `lines`, ``court_name`` is for people."""
    return texts.write(("Судьяның ұйғарымы.", "Определение судьи."), [*said, (texts.COURT_NAME, court_name)])


def check(fact: Fact, known: Known) -> None:
    """Raise Refused unless the ruling of ``fact`` stands on grounds where it needs some and a judge of its court signed it there."""
    body: Ruling = fact.body
    if bool(body.grounds) != (body.outcome in STAGES):
        raise Refused("ruling.grounds", N_("Who returns or does not accept a claim names a ground; who accepts it names none."))
    said = {"outcome": body.outcome, "talon": body.talon, "court": body.court, "number": body.number, "date": body.date}
    require_judge(fact, known, body.court, lines(**said, judge=body.judge, grounds=body.grounds, note=body.note))
