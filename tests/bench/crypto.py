"""What keys and papers take, in milliseconds: no goals, but whoever wonders where the time of a filing goes finds it here."""

from common.court.filing_lists import filing, filings_of_person
from common.pki import cms
from common.pki.authority import Authority
from common.pki.keystore import write_p12
from common.pki.opening import open_key
from edge.services import accounts, statements, talons
from tests.bench.measure import Line, median_seconds, ms
from tests.bench.world import DAY_MS, PEOPLE, World, begin_claim, check_digit, trust_it

ALGORITHMS = {"gost512": "GOST 34.10-2015/512", "rsa2048": "RSA 2048"}
KEY_PASSWORD = "Qwerty12"
TEXT = b"x" * 1000


def run(world: World, *, rounds: int) -> list[Line]:
    """Return the lines of this part."""
    lines = []
    for algorithm, name in ALGORITHMS.items():
        lines += _key(world, algorithm, name, rounds)
    return lines + _papers(world, rounds)


def _key(world: World, algorithm: str, name: str, rounds: int) -> list[Line]:
    node, now = world.node, world.node.clock.now()
    authority = Authority.create(algorithm, f"СЫНАҚ {algorithm}", at_ms=now - 2 * DAY_MS)
    trust_it(node.trust, authority, now)
    surname, first, patronymic, eleven = PEOPLE[0]
    key = authority.issue_person(surname, first, patronymic, f"{eleven}{check_digit(eleven)}", not_before_ms=now - DAY_MS)
    p12 = write_p12(key, KEY_PASSWORD)
    signed = cms.sign_detached(TEXT, key, at_ms=now)

    def sign_in() -> None:
        accounts.sign_in_by_key(node, open_key(p12, KEY_PASSWORD, node.trust, now_ms=now))

    return [
        Line(f"{name}: signing", ms(median_seconds(rounds, lambda: cms.sign_detached(TEXT, key, at_ms=now)))),
        Line(f"{name}: verifying", ms(median_seconds(rounds, lambda: cms.verify_detached(signed, TEXT)))),
        Line(f"{name}: opening a key file", ms(median_seconds(rounds, lambda: open_key(p12, KEY_PASSWORD, node.trust, now_ms=now)))),
        Line(f"{name}: signing in by key, the key file opened", ms(median_seconds(rounds, sign_in))),
    ]


def _papers(world: World, rounds: int) -> list[Line]:
    node, visitor = world.node, world.filers[0].visitor

    def typeset(number: int) -> None:
        statements.prepare(node, visitor, drafts[number])

    drafts = [begin_claim(node, visitor) for _ in range(min(rounds, 10) + 2)]
    left = iter(range(len(drafts)))
    statement = median_seconds(min(rounds, 10), lambda: typeset(next(left)))
    found = filing(node.database, filings_of_person(node.database, visitor.person, limit=1)[0].obj)
    assert found is not None
    talon = median_seconds(min(rounds, 10), lambda: talons.pdf(node, found))
    return [
        Line("typesetting a statement (PDF/A)", ms(statement)),
        Line("typesetting and signing a talon (PDF/A)", ms(talon)),
    ]
