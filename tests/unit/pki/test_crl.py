"""Revocation lists: full and delta, their index, what is refused and why, and how much a list of the country's size costs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki_samples import NOVEMBER_MS, national

from common.errors import Corrupt, Refused
from common.pki import authority as profiles
from common.pki import der
from common.pki.authority import DAY_MS, Authority
from common.pki.certificates import Certificate
from common.pki.crl import Crl
from common.pki.crl_index import CrlIndex, build
from common.pki.trust import Trust
from tests.bench.lists import ENTRIES as MANY
from tests.bench.lists import country


def trusting(authority: Authority, folder: Path | None = None) -> Trust:
    trust = Trust.load(folder) if folder else Trust()
    for certificate in authority.anchors() + authority.authorities():
        trust.add(certificate)
    return trust


@pytest.fixture
def own(authorities: dict[str, Authority]) -> Authority:
    """An authority of its own list, on keys made once."""
    made = authorities["p256"]
    return Authority(made.root, made.issuer)


@pytest.fixture
def people(own: Authority) -> list[Certificate]:
    return [own.issue_person("А", "Б", "", "900101400018", not_before_ms=NOVEMBER_MS - DAY_MS).certificate for _ in range(3)]


def refused_reason(trust: Trust, certificate: Certificate) -> int | None:
    """Return the reason for which ``certificate`` is refused, None when it is accepted."""
    moment = NOVEMBER_MS + DAY_MS
    found = trust.revocation(certificate)
    if found is None or found[1] is None:
        trust.check(certificate, at_ms=moment, now_ms=moment)
        return None
    with pytest.raises(Refused, match="pki.revoked") as refused:
        trust.check(certificate, at_ms=moment, now_ms=moment)
    return int(refused.value.params["reason"])


def test_a_delta_list_adds_changes_and_takes_back(own: Authority, people: list[Certificate], tmp_path: Path) -> None:
    trust = trusting(own, tmp_path / "trust")
    own.revoke(people[0], NOVEMBER_MS, reason=profiles.ON_HOLD)
    own.revoke(people[1], NOVEMBER_MS, reason=profiles.ON_HOLD)
    full = dict(own.revoked)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 5), NOVEMBER_MS)
    assert [refused_reason(trust, each) for each in people] == [6, 6, None]
    del own.revoked[people[0].serial]
    own.revoke(people[1], NOVEMBER_MS)
    own.revoke(people[2], NOVEMBER_MS)
    delta = own.crl(NOVEMBER_MS + 1000, NOVEMBER_MS + 1000, 6, base=(5, full))
    assert Crl(delta).info.base_number == 5
    info = trust.import_crl(delta, NOVEMBER_MS)
    assert (info.number, info.this_update_ms, info.next_update_ms) == (6, NOVEMBER_MS + 1000, NOVEMBER_MS + DAY_MS)
    assert [refused_reason(trust, each) for each in people] == [None, 1, 1]
    again = Trust.load(tmp_path / "trust")
    assert [refused_reason(again, each) for each in people] == [None, 1, 1]
    assert trust.import_crl(delta, NOVEMBER_MS) == info
    full_again = own.crl(NOVEMBER_MS + 2000, NOVEMBER_MS + DAY_MS, 6)
    trust.import_crl(full_again, NOVEMBER_MS)
    assert sorted(path.suffix for path in (tmp_path / "trust" / "crl").iterdir()) == [".crl", ".index"]
    assert [refused_reason(trust, each) for each in people] == [None, 1, 1]


def test_a_delta_list_stays_over_a_newer_full_list_below_it(own: Authority, people: list[Certificate]) -> None:
    trust = trusting(own)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 5), NOVEMBER_MS)
    own.revoke(people[0], NOVEMBER_MS)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 7, base=(5, {})), NOVEMBER_MS)
    own.revoked.clear()
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 6), NOVEMBER_MS)
    assert refused_reason(trust, people[0]) == 1


def test_a_delta_list_without_its_full_list_or_older_than_it_is_refused(own: Authority) -> None:
    trust = trusting(own)

    def delta(number: int, base: int) -> bytes:
        return own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, number, base=(base, {}))

    with pytest.raises(Refused, match="crl.delta_base"):
        trust.import_crl(delta(6, 5), NOVEMBER_MS)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 5), NOVEMBER_MS)
    for number, base, code in ((8, 6, "crl.delta_base"), (5, 4, "crl.older"), (4, 3, "crl.older"), (5, 6, "crl.form")):
        with pytest.raises(Refused, match=code):
            trust.import_crl(delta(number, base), NOVEMBER_MS)
    trust.import_crl(delta(8, 4), NOVEMBER_MS)
    with pytest.raises(Refused, match="crl.older"):
        trust.import_crl(delta(7, 5), NOVEMBER_MS)


def point(*flags: int) -> bytes:
    """Return a critical IssuingDistributionPoint with these fields true (RFC 5280, 5.2.5)."""
    value = der.sequence(*(der.implicit(number, b"\xff") for number in flags))
    return der.sequence(der.oid("2.5.29.28"), der.boolean(True), der.octets(value))


def test_partial_lists_and_unknown_critical_parts_are_refused(own: Authority) -> None:
    number = der.sequence(der.oid("2.5.29.20"), der.octets(der.integer(1)))
    unknown = der.sequence(der.oid("1.2.398.9.9"), der.boolean(True), der.octets(der.null()))
    for extension in (point(2), point(4), point(5), unknown):
        with pytest.raises(Refused, match="crl.form"):
            Crl(own.crl_of({}, NOVEMBER_MS, NOVEMBER_MS + DAY_MS, number + extension))
    Crl(own.crl_of({}, NOVEMBER_MS, NOVEMBER_MS + DAY_MS, number + point(1)))


def test_a_delta_list_of_another_scope_is_refused(own: Authority) -> None:
    trust = trusting(own)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 5), NOVEMBER_MS)
    marks = der.sequence(der.oid("2.5.29.20"), der.octets(der.integer(6)))
    marks += der.sequence(der.oid("2.5.29.27"), der.boolean(True), der.octets(der.integer(5)))
    with pytest.raises(Refused, match="crl.form"):
        trust.import_crl(own.crl_of({}, NOVEMBER_MS, NOVEMBER_MS + DAY_MS, marks + point(1)), NOVEMBER_MS)


def test_the_national_delta_of_the_samples_does_not_fit_its_list(tmp_path: Path) -> None:
    trust = Trust.load(tmp_path)
    for name in ("root_test_gost_2022.cer", "nca_gost2022_test.cer"):
        trust.add(national(f"skarm-kalkan/certs/{name}"))
    delta = national("skarm-kalkan/certs/nca_gost2022_d_test.crl")
    trust.import_crl(national("skarm-kalkan/certs/nca_gost2022_test.crl"), NOVEMBER_MS)
    with pytest.raises(Refused, match="crl.form"):  # it calls itself number 10 and builds on number 14
        trust.import_crl(delta, NOVEMBER_MS)


def test_a_revocation_after_the_moment_is_said_and_does_not_refuse(own: Authority, people: list[Certificate]) -> None:
    trust = trusting(own)
    own.revoke(people[0], NOVEMBER_MS + 5000)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    assert trust.check(people[0], at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS).revoked_later_ms == NOVEMBER_MS + 5000
    assert trust.check(people[1], at_ms=NOVEMBER_MS, now_ms=NOVEMBER_MS).revoked_later_ms is None


def test_a_damaged_or_missing_index_is_made_again(own: Authority, people: list[Certificate], tmp_path: Path) -> None:
    trust = trusting(own, tmp_path)
    own.revoke(people[0], NOVEMBER_MS)
    trust.import_crl(own.crl(NOVEMBER_MS, NOVEMBER_MS + DAY_MS, 1), NOVEMBER_MS)
    index = next((tmp_path / "crl").glob("*.index"))
    for damaged in (index.read_bytes()[:-1] + b"!", b"", None):
        index.unlink()
        if damaged is not None:
            index.write_bytes(damaged)
        assert refused_reason(Trust.load(tmp_path), people[0]) == 1
    with pytest.raises(Corrupt, match="crl.index"):
        CrlIndex(index.read_bytes()[:-1])


FLIPS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FLIPS
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@pytest.mark.parametrize("kind", ["gost512", "rsa2048", "p256"])
def test_each_flipped_bit_is_refused(kind: str, authorities: dict[str, Authority], place: float, bit: int) -> None:
    made = authorities[kind]
    crl = bytearray(made.crl_of({7: (NOVEMBER_MS, 1), 1 << 150: (NOVEMBER_MS, 6)}, NOVEMBER_MS, NOVEMBER_MS + DAY_MS, b""))
    crl[int(place * len(crl))] ^= 1 << bit
    with pytest.raises(Refused, match=r"crl\."):
        trusting(made).import_crl(bytes(crl), NOVEMBER_MS)


@settings(max_examples=60, deadline=None)
@given(listed=st.dictionaries(st.integers(1, (1 << 160) - 1), st.integers(0, 10), max_size=60), asked=st.integers(1, (1 << 161)))
def test_the_index_says_what_the_list_says(listed: dict[int, int], asked: int) -> None:
    made = index_authority()
    entries = {serial: (NOVEMBER_MS + reason * 1000, reason) for serial, reason in listed.items()}
    index = CrlIndex(build(Crl(made.crl_of(entries, NOVEMBER_MS, NOVEMBER_MS + 1, b""))))
    for serial in (*listed, asked):
        found = index.find(serial)
        assert (found and (found.since_ms, found.reason)) == entries.get(serial)


NUMBER_ONE = der.sequence(der.oid("2.5.29.20"), der.octets(der.integer(1)))


def index_authority() -> Authority:
    if not _made:
        _made.append(Authority.create("p256", "СЫНАҚ", at_ms=NOVEMBER_MS - DAY_MS))
    return _made[0]


_made: list[Authority] = []

COUNTRY = """
import resource, sys, time
from pathlib import Path
from common.pki.trust import Trust
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
trust, serial = Trust.load(Path(sys.argv[1])), int(sys.argv[2])
held = next(iter(trust.lists().values()))
assert held.find(serial).since_ms and held.find(serial + 1) is None
started = time.perf_counter()
for number in range(1000):
    held.find(serial + number)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, before, held.info.entries)
"""


def test_a_list_of_the_countrys_size_is_looked_up_at_once_in_little_memory(tmp_path: Path) -> None:
    """422,000 entries: a look-up stays below a millisecond, and a process that only asks grows by less than 50 MB."""
    made = index_authority()
    data = made.crl_written(country(MANY), NOVEMBER_MS, NOVEMBER_MS + DAY_MS, NUMBER_ONE)
    assert len(data) > 15_000_000
    started = time.perf_counter()
    trusting(made, tmp_path).import_crl(data, NOVEMBER_MS)
    assert time.perf_counter() - started < 60
    command = [sys.executable, "-c", COUNTRY, str(tmp_path), str(77 << 120 | 99)]
    seconds, kib, before, count = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(count) == MANY
    assert float(seconds) < 1.0  # a thousand of them
    assert int(kib) - int(before) < 50 * 1024
