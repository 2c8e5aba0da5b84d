"""A revocation list as long as the national one: how long its import takes once, and each look-up afterwards."""

import random
from pathlib import Path

from common.pki import der
from common.pki.authority import DAY_MS, Authority
from common.pki.trust import Trust
from tests.bench.measure import Line, median_seconds, seconds

ENTRIES = 422_065
"""Of the national list in July 2026."""
LOOK_UPS = 1_000
LOOK_UP_MS_MAX = 1.0


def run(folder: Path, *, now_ms: int, entries: int = ENTRIES) -> list[Line]:
    """Return the lines of this part: the list is signed with GOST 34.10-2015/512, as the national one is."""
    authority = Authority.create("gost512", "СЫНАҚ", at_ms=now_ms - DAY_MS)
    data = authority.crl_written(country(entries), now_ms, now_ms + DAY_MS, b"")
    trust = Trust.load(folder)
    for certificate in authority.anchors() + authority.authorities():
        trust.add(certificate)
    taken = seconds(lambda: trust.import_crl(data, now_ms))
    (held,) = trust.lists().values()
    dice = random.Random(1)
    asked = [dice.randrange(1, 2 * entries) << 120 | 99 for _ in range(LOOK_UPS)]
    each = median_seconds(5, lambda: [held.find(serial) for serial in asked]) / LOOK_UPS
    look_up = Line("looking a certificate up in it", f"{each * 1e6:.1f} µs", "", f"≤ {LOOK_UP_MS_MAX:g} ms", each * 1000 <= LOOK_UP_MS_MAX)
    return [Line(f"importing a revocation list of {entries:,} entries, {len(data) / 1e6:.1f} MB, GOST 512", f"{taken:.1f} s"), look_up]


def country(count: int) -> bytes:
    """Return the entries of a revocation list, encoded: numbers 1 << 120 | 99, 2 << 120 | 99 and so on, on hold since August 2026."""
    rest = b"\x17\x0d260801120000Z" + der.sequence(der.sequence(der.oid("2.5.29.21"), der.octets(der.element(10, b"\x06"))))
    return b"".join(b"\x30\x33\x02\x14" + (number << 120 | 99).to_bytes(20, "big") + rest for number in range(1, count + 1))
