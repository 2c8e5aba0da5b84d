"""Some weeks in the life of the demo country: people register, file and withdraw; clerks register and refuse; days without a line.

Everything goes through the use cases of the pages, with real signatures; only the clock walks.
"""

import io
import math
import random
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any

import typst
from babel.support import Translations

from common.court import filing_lists, terms
from common.court.claim import Claim, Party, Payment
from common.people import calm_name
from common.pki.keystore import Key
from common.pki.opening import OpenedKey
from common.web.languages import TRANSLATIONS_FOLDER
from deploy.demo_people import AKTAU, CABINET_PASSWORD, CITIZENS, MEDEU, STAFF, Person
from edge.node import Node
from edge.services import (
    accounts,
    agreement,
    decisions,
    draft_files,
    drafts,
    filings,
    hearings,
    invitations,
    materials,
    registration,
    rulings,
    statements,
)
from edge.services.draft_content import replace_claim
from edge.visitor import Visitor

FILM = Path(__file__).with_name("demo_hearing.webm")
"""Four seconds that a browser recorded of a drawing."""
SOUND_RATE = 8_000
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
TIYN = 100
KAZAKHSTAN_MS = 5 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Matter:
    """One dispute: category, sum in tenge, what happened, what is asked, the papers of it."""

    category: str
    tenge: int
    circumstances: str
    requirement: str
    files: tuple[str, ...]


MATTERS = (
    Matter(
        "claim.debt.loan",
        2_450_000,
        "Менің және жауапкердің арасында 2025 жылғы 14 ақпанда қарыз шарты жасалды. Шарт бойынша мен жауапкерге 2 450 000 теңге бердім, "
        "ал жауапкер бұл соманы 2026 жылғы 14 ақпанға дейін қайтаруға міндеттенді.\n\nМерзім өтті, қарыз қайтарылған жоқ. 2026 жылғы "
        "2 наурызда жіберілген талап хатқа жауап берілмеді. Ақшаның берілгені банк үзіндісімен расталады.",
        "Жауапкерден менің пайдама 2 450 000 теңге негізгі қарызды және төленген мемлекеттік бажды өндіріп беруіңізді сұраймын.",
        ("Қарыз шарты", "Банк үзіндісі"),
    ),
    Matter(
        "claim.contract.works",
        870_000,
        "2026 жылғы 3 наурызда жауапкер пәтерімді жөндеуге міндеттеніп, 870 000 теңге алды. Жұмыс басталған жоқ, ақша қайтарылмады.",
        "Жауапкерден 870 000 теңгені өндіріп беруіңізді сұраймын.",
        ("Мердігерлік шарты", "Төлем түбіртегі", "Хат алмасу"),
    ),
    Matter(
        "claim.harm.road",
        1_320_000,
        "2026 жылғы 19 шілдеде жауапкердің кінәсінен болған жол-көлік оқиғасында менің көлігім бүлінді. Шығынды бағалаушы анықтады.",
        "Жауапкерден 1 320 000 теңге материалдық зиянды өндіріп беруіңізді сұраймын.",
        ("Бағалау есебі", "Әкімшілік іс материалы"),
    ),
    Matter(
        "claim.contract.rent",
        540_000,
        "Жалдау шарты аяқталғанда жауапкер алты айлық жалдау ақысын төлемей кетті. Талап хат 2026 жылғы тамызда жіберілді.",
        "Жауапкерден 540 000 теңге жалдау ақысын өндіріп беруіңізді сұраймын.",
        ("Жалдау шарты", "Талап хат"),
    ),
)
ADDRESSES = ("Ақтау қаласы, 12-шағын аудан, 34-үй, 7-пәтер", "Алматы қаласы, Достық даңғылы, 105-үй, 42-пәтер")
REGIONS = {AKTAU: "47", MEDEU: "75"}

REFUSAL_NOTE = "Құжатты кеңсе маманы ашып көрді: мәтіні толық емес. Толық нұсқасын қосып, қайта жіберіңіз."

Walk = Callable[[int], None]


def paper(title: str, lines: int = 18) -> bytes:
    """Return a small PDF with a title, as a citizen would attach one."""
    text = f"#set page(width: 210mm, height: 297mm)\n#set text(size: 12pt)\n= #sys.inputs.title\n#lorem({lines * 12})"
    return bytes(typst.compile(text.encode(), format="pdf", sys_inputs={"title": title}))


def _kazakh() -> Callable[[str], str]:
    translations: Callable[[str], str] = Translations.load(str(TRANSLATIONS_FOLDER), ["kk"]).gettext
    return translations


def open_for(node: Node, key: Key) -> OpenedKey:
    """Return the key as a page would hand it to a use case."""
    now = node.clock.now()
    return OpenedKey(key, node.trust.check(key.certificate, at_ms=now, now_ms=now), now)


def register_people(node: Node, keys: dict[str, Key], people: Sequence[Person]) -> dict[str, Visitor]:
    """Register ``people`` at ``node`` with the password of the demo."""
    return {
        person.file: accounts.register(
            node,
            open_for(node, keys[person.file]),
            email=f"{person.file}@example.kz",
            password=CABINET_PASSWORD,
            language="kk",
            agreement=agreement.version(_kazakh()),
        )
        for person in people
    }


def file_claim(node: Node, key: Key, author: Visitor, person: Person, court: str, matter: Matter, dice: random.Random) -> bytes:
    """Fill, attach, sign and send one claim; return the filing's object."""
    draft = begin_claim(node, author, person, court, matter, dice)
    for title in matter.files:
        draft_files.attach(node, author, draft, kind="attachment", name=f"{title}.pdf", data=paper(title))
    ready = statements.prepare(node, author, draft)
    assert ready.content.paper is not None
    return filings.submit(node, author, draft, open_for(node, key), shown=ready.content.paper.sha256).obj


def begin_claim(node: Node, author: Visitor, person: Person, court: str, matter: Matter, dice: random.Random) -> bytes:
    """Fill the form of one claim with its main document; return the draft's id."""
    address = dice.choice(ADDRESSES)
    claim = Claim(
        proceedings="claim",
        category=matter.category,
        nature="property",
        region=REGIONS[court],
        court=court,
        parties=(_plaintiff(person, address), _defendant(dice)),
        payment=Payment(claim_tiyn=matter.tenge * TIYN, duty_tiyn=_duty(person, matter) * TIYN, way="pending"),
        circumstances=matter.circumstances,
        requirement=matter.requirement,
        language="kk",
        filed_by_role="plaintiff",
    )
    draft = drafts.begin(node, author, claim)
    draft_files.attach(node, author, draft.id, kind="claim", name="Талап арыз.pdf", data=paper("Талап арыз", 30))
    return draft.id


def invite_principal(node: Node, author: Visitor, person: Person, principal: Person, dice: random.Random) -> None:
    """Let ``person`` prepare a claim for ``principal``, whose signature it then waits for."""
    id = begin_claim(node, author, principal, AKTAU, MATTERS[0], dice)
    surname, first_name, patronymic = (part.title() for part in (person.surname, person.first, person.patronymic))
    agent = Party(role="representative", iin=person.iin, surname=surname, first_name=first_name, patronymic=patronymic)
    parties = (*drafts.find(node, author, id).claim.parties, agent)
    drafts.change(node, author, id, lambda content: replace_claim(content, parties=parties, filed_by_role="representative"))
    statements.prepare(node, author, id)
    invitations.invite(node, author, id, principal.iin)


def _duty(person: Person, matter: Matter) -> int:
    return matter.tenge * 3 // 100 if person.bin else matter.tenge // 100


def _plaintiff(person: Person, address: str) -> Party:
    if person.bin:
        return Party(role="plaintiff", kind="legal_entity", bin=person.bin, name=person.organisation, address=address)
    surname, first_name, patronymic = (part.title() for part in (person.surname, person.first, person.patronymic))
    phone = "+7 701 555 12 34"
    return Party(
        role="plaintiff", iin=person.iin, surname=surname, first_name=first_name, patronymic=patronymic, address=address, phone=phone
    )


def _defendant(dice: random.Random) -> Party:
    name = dice.choice(("«Каспий Жөндеу» ЖШС", "«Ақ Жайық Сауда» ЖШС", "«Жетісу Транс» ЖШС"))
    return Party(role="defendant", kind="legal_entity", bin="070941024691", name=name, address="Алматы қаласы, Абай даңғылы, 10")


def make(
    nodes: Sequence[Node], keys: dict[str, Key], dice: random.Random, walk: Walk, *, start: int, until: int, settle: Callable[[], None]
) -> None:
    """Live from ``start`` to ``until``; ``settle`` lets centre and nodes exchange until all is quiet."""
    aktau, medeu = nodes
    walk(_at(start, 10))
    settle()
    homes = {"sarsenova": aktau, "omarov": aktau, "ibraeva": medeu, "teniz": medeu}
    people = {person.file: person for person in CITIZENS}
    visitors = {name: register_people(node, keys, [people[name]])[name] for name, node in homes.items()}
    walk(_at(start, 15))
    first = file_claim(aktau, keys["sarsenova"], visitors["sarsenova"], people["sarsenova"], AKTAU, MATTERS[0], dice)
    second = file_claim(aktau, keys["omarov"], visitors["omarov"], people["omarov"], AKTAU, MATTERS[1], dice)
    for filing in (first, second):  # however short the history, there is a case that a judge accepted, and one that waits for a judge
        _register(aktau, keys["clerk-aktau"], AKTAU, filing)
    _accept(aktau, keys["judge-aktau"], AKTAU, first)
    heard = _set_hearing(aktau, keys["judge-aktau"], first, max(start + DAY_MS, until - 4 * DAY_MS), time(10, 0), kind="preliminary")
    settle()
    day = start + DAY_MS
    while day < until - DAY_MS:
        if _working(day):
            for name in dice.sample(list(homes), dice.choice((0, 1, 1, 2))):
                walk(_at(day, dice.randrange(9, 17), dice.randrange(60)))
                court = dice.choice((AKTAU, MEDEU))
                file_claim(homes[name], keys[name], visitors[name], people[name], court, dice.choice(MATTERS), dice)
            walk(_at(day, 17, 30))
            if dice.random() < 0.8:  # some evenings there is no line
                settle()
                decide_some(nodes, keys, dice)
                settle()
        day += DAY_MS
    walk(until - 2 * HOUR_MS)
    file_claim(aktau, keys["sarsenova"], visitors["sarsenova"], people["sarsenova"], AKTAU, MATTERS[0], dice)
    _hold_and_set(aktau, keys["judge-aktau"], keys["clerk-aktau"], first, heard, until)
    _add_recordings(aktau, medeu, keys, first, people["sarsenova"].iin, until)
    begin_claim(aktau, visitors["sarsenova"], people["sarsenova"], MEDEU, MATTERS[1], dice)
    invite_principal(aktau, visitors["omarov"], people["omarov"], people["sarsenova"], dice)
    settle()


def decide_some(nodes: Sequence[Node], keys: dict[str, Key], dice: random.Random) -> None:
    """Let each court's clerk register most of what has waited, and refuse some of it."""
    for node, court in zip(nodes, (AKTAU, MEDEU), strict=True):
        clerk = next(person for person in STAFF if person.court == court and person.role == "clerk")
        for filing in filing_lists.inbox(node.database, court):
            if dice.random() < 0.7:
                _decide(node, keys[clerk.file], court, filing.obj, dice)


def _decide(node: Node, key: Key, court: str, obj: bytes, dice: random.Random) -> None:
    if dice.random() < 0.8:
        _register(node, key, court, obj)
        return
    ground = dice.choice(decisions.grounds_of(node.book()))
    cure = decisions.cure_suggestion(node) if ground.can_be_cured else None
    draft = decisions.Draft(kind="refuse", grounds=(ground.ground_id,), cure_until=cure, note=REFUSAL_NOTE)
    registration.sign(node, _clerk(key, court), obj, draft, open_for(node, key))


def _register(node: Node, key: Key, court: str, obj: bytes) -> None:
    clerk = _clerk(key, court)
    registration.sign(node, clerk, obj, decisions.Draft(kind="register", executor=clerk.name), open_for(node, key))


def _accept(node: Node, key: Key, court: str, obj: bytes) -> None:
    filing = filing_lists.filing(node.database, obj)
    assert filing is not None
    assert filing.case_obj is not None
    rulings.sign(node, _clerk(key, court), filing.case_obj, rulings.Draft(outcome="accepted"), open_for(node, key))


def _hold_and_set(node: Node, judge: Key, clerk: Key, filing: bytes, heard: bytes, now: int) -> None:
    """Adjourn the first hearing, set the next one by video, and let the office move it."""
    note = "Жауапкердің өкілі құжаттарымен танысуға уақыт сұрады."
    closing = hearings.Closing(outcome="adjourned", note=note)
    hearings.sign(node, _clerk(judge, AKTAU), hearings.of_court(node, AKTAU, heard), closing, open_for(node, judge))
    video = {"mode": "video", "link": "https://vks.example.kz/aktau/3-zal?kod=7194-2026"}
    obj = _set_hearing(node, judge, filing, now + 3 * DAY_MS, time(15, 0), **video)
    target = hearings.of_court(node, AKTAU, obj)
    draft = _hearing(node, judge, now + 6 * DAY_MS, time(11, 30), **video)
    hearings.sign(node, _clerk(clerk, AKTAU), target, draft, open_for(node, clerk))


def _add_recordings(aktau: Node, medeu: Node, keys: dict[str, Key], filing: bytes, person: str, now: int) -> None:
    """Join the film and the sound of the first hearing to its case, and a film to a case at Medeu: at Aktau that one is on request."""
    day, film = terms.local_date(now - DAY_MS).isoformat(), FILM.read_bytes()
    here = filing_lists.filing(aktau.database, filing)
    there = next((each for each in filing_lists.filings_of_person(medeu.database, person) if each.case_obj and each.court == MEDEU), None)
    for node, clerk, court, found, name, title, data in (
        (aktau, "clerk-aktau", AKTAU, here, "hearing.webm", "Сот отырысының бейнежазбасы", film),
        (aktau, "clerk-aktau", AKTAU, here, "hearing.wav", "Сот отырысының аудиожазбасы", sound()),
        (medeu, "clerk-medeu", MEDEU, there, "hearing.webm", "Сот отырысының бейнежазбасы", film + b"\xec\x81\0"),  # as another file
    ):
        if found is not None and found.case_obj is not None:  # however short the history, there need not be a case at Medeu
            draft = materials.Draft(title=title, date=day, to_parties=True)
            materials.add(node, _clerk(keys[clerk], court), found.case_obj, draft, name=name, file=io.BytesIO(data))


def sound() -> bytes:
    """Return a WAV of four seconds: two tones in turn."""
    out = io.BytesIO()
    with wave.open(out, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(SOUND_RATE)
        tones = (440 if place // SOUND_RATE % 2 else 550 for place in range(4 * SOUND_RATE))
        written.writeframes(bytes(128 + round(60 * math.sin(math.tau * tone * place / SOUND_RATE)) for place, tone in enumerate(tones)))
    return out.getvalue()


def _set_hearing(node: Node, key: Key, obj: bytes, from_ms: int, at: time, **said: Any) -> bytes:
    """Set a hearing on the first working day from ``from_ms`` on; return its object."""
    filing = filing_lists.filing(node.database, obj)
    assert filing is not None
    assert filing.case_obj is not None
    target = hearings.in_case(node, AKTAU, filing.case_obj)
    return hearings.sign(node, _clerk(key, AKTAU), target, _hearing(node, key, from_ms, at, **said), open_for(node, key))


def _hearing(node: Node, key: Key, from_ms: int, at: time, **said: Any) -> hearings.Draft:
    """Return a hearing; ``said``: whatever fields of it are others than here."""
    day = terms.WorkCalendar(node.book().holidays).next_working(terms.local_date(from_ms))
    judge = calm_name(key.certificate.full_name)
    usual = hearings.Draft(day=day, at=at, hall="3-зал", kind="main", closed=False, mode="hall", judge=judge)
    return replace(usual, **said)


def _clerk(key: Key, court: str) -> registration.Clerk:
    return registration.Clerk(name=accounts.visitor_of(key.certificate).name, certificate=key.certificate.sha256, court=court)


def _at(day: int, hour: int, minute: int = 0) -> int:
    midnight = (day + KAZAKHSTAN_MS) // DAY_MS * DAY_MS - KAZAKHSTAN_MS
    return midnight + hour * HOUR_MS + minute * 60_000


def _working(day: int) -> bool:
    return ((day + KAZAKHSTAN_MS) // DAY_MS + 3) % 7 < 5
