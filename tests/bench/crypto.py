"""What keys and papers take, in milliseconds, and the plain arithmetic of ours beside another library's in Python."""

import secrets
import statistics

import gostcrypto

from common.court.filing_lists import filing, filings_of_person
from common.pki import cms, gost, pades, streebog
from common.pki.authority import Authority
from common.pki.engines import Engine
from common.pki.keystore import write_p12
from common.pki.opening import open_key
from edge.services import accounts, statements, talons
from tests.bench.measure import Line, at_least, core_seconds, in_turns, median_seconds, ms
from tests.bench.world import DAY_MS, PEOPLE, World, begin_claim, check_digit, trust_it
from tests.fuzz.doors_pki import small_pdf

ALGORITHMS = {"gost512": "GOST 34.10-2015/512", "rsa2048": "RSA 2048"}
KEY_PASSWORD = "Qwerty12"
TEXT = b"x" * 1000
PDF_MB = 15
VERIFY_MS_MAX = {512: 10.0, 256: 3.0}
"""Of one signature, on one core, in Python alone."""
HASH_MB_MIN = 5.0
"""In a second, where the machine has a library for it; without one, ``engines`` bounds what is hashed."""


def run(world: World, *, rounds: int) -> list[Line]:
    """Return the lines of this part."""
    lines = [*_verifying(512, gost.CURVE_512, rounds), *_verifying(256, gost.CURVE_256, rounds), *_hashing(rounds)]
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
    pdf = small_pdf()
    paper = pades.sign_pdf(pdf, key, at_ms=now, field="citizen")

    def sign_in() -> None:
        accounts.sign_in_by_key(node, open_key(p12, KEY_PASSWORD, node.trust, now_ms=now))

    return [
        Line(f"{name}: signing a CMS", ms(median_seconds(rounds, lambda: cms.sign_detached(TEXT, key, at_ms=now)))),
        Line(f"{name}: verifying a CMS", ms(median_seconds(rounds, lambda: cms.verify_detached(signed, TEXT)))),
        Line(f"{name}: signing a PDF (PAdES)", ms(median_seconds(rounds, lambda: pades.sign_pdf(pdf, key, at_ms=now, field="citizen")))),
        Line(f"{name}: verifying a PDF (PAdES)", ms(median_seconds(rounds, lambda: pades.read_pdf_signatures(paper)))),
        Line(f"{name}: opening a key file", ms(median_seconds(rounds, lambda: open_key(p12, KEY_PASSWORD, node.trust, now_ms=now)))),
        Line(f"{name}: signing in by key, the key file opened", ms(median_seconds(rounds, sign_in))),
    ]


def _verifying(bits: int, curve: gost.Curve, rounds: int) -> list[Line]:
    """Return our verification beside that of gostcrypto, of fresh keys, so that no table of a key is ready."""
    size = curve.size
    names = {512: "id-tc26-gost-3410-12-512-paramSetA", 256: "id-tc26-gost-3410-2012-256-paramSetA"}
    theirs = gostcrypto.gostsignature.new(
        {512: gostcrypto.gostsignature.MODE_512, 256: gostcrypto.gostsignature.MODE_256}[bits],
        gostcrypto.gostsignature.CURVES_R_1323565_1_024_2019[names[bits]],
    )
    made = []
    for _ in range(min(rounds, 10) + 2):
        d, digest = gost.new_private_key(curve).d, secrets.token_bytes(size)
        made.append((gost.public_key(d, curve), digest, gost.sign(d, digest, curve)))

    taken: list[float] = []

    def ours(number: int) -> float:
        public, digest, signature = made[number]
        taken.append(core_seconds(lambda: _must(gost.verify(public, digest, signature, curve))))
        return taken[-1]

    def other(number: int) -> float:  # the Russian byte order: each half of key and signature, and the digest, reversed
        public, digest, signature = (bytearray(part) for part in made[number])
        key, value = (part[:size][::-1] + part[size:][::-1] for part in (public, signature))
        return core_seconds(lambda: _must(theirs.verify(key, digest[::-1], value)))

    mine, its = in_turns(min(rounds, 10), ours, other)
    best = min(taken)
    goal = VERIFY_MS_MAX[bits]
    again = statistics.median(ours(0) for _ in range(rounds))
    return [
        Line(f"GOST {bits}: a verification, one core (best)", ms(best), "", f"≤ {goal:g} ms", best * 1000 <= goal),
        Line(f"GOST {bits}: once more by the same key", ms(again)),
        at_least(f"GOST {bits}: that of gostcrypto over ours", f"{ms(its)} / {ms(mine)}", its / mine, 1),
    ]


def _hashing(rounds: int) -> list[Line]:
    """Return what the engine of this machine and plain Python make in a second, and gostcrypto beside the latter."""
    some = secrets.token_bytes(20_000)

    def other(_: int) -> float:
        return core_seconds(lambda: gostcrypto.gosthash.new("streebog512", data=bytearray(some)).digest())

    engine: Engine = streebog.streebog512
    speed = 4 / core_seconds(lambda: engine(bytes(4_000_000)))
    pure, its = in_turns(min(rounds, 5), lambda _: core_seconds(lambda: streebog.pure512(some)), other)
    large = median_seconds(1, lambda: engine(bytes(PDF_MB * 1_000_000)) if engine.bytes_max is None else None)
    fast = engine.bytes_max is None
    return [
        Line(f"Streebog-512 by {engine.name}", f"{speed:.1f} MB/s", "", f"≥ {HASH_MB_MIN:g} MB/s", speed >= HASH_MB_MIN if fast else None),
        Line(f"the digest of a PDF of {PDF_MB} MB", ms(large) if fast else "refused: no fast library here"),
        at_least("Streebog-512 in Python: gostcrypto over ours", f"{ms(its)} / {ms(pure)}", its / pure, 1),
    ]


def _must(holds: bool) -> None:
    assert holds


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
