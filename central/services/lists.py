"""Revocation lists for the whole country: what the centre holds it publishes, so that every machine can hold it too.

The first list of a certification centre goes out whole and packed, once; each later one as the difference to the one before
(`common.pki.crl_patch`), and whole again every FULL_EVERY lists, so that a new machine has no endless way. Delta lists of
the certification centre go out as they are. What was last published lies beside, because a difference needs both ends.
"""

import logging
from typing import Final

import zstandard

from central.centre import Centre
from common.court import crls
from common.court.crls import Publish
from common.errors import Refused
from common.facts import BlobRef
from common.files import make_folder, write_durable
from common.pki import crl_patch
from common.pki.crl import Crl
from common.pki.crl_index import CrlIndex

FULL_EVERY: Final = 30
"""Lists after which one goes out whole again: about a month."""
LEVEL: Final = 9

logger = logging.getLogger(__name__)


def publish(centre: Centre) -> int:
    """Publish the lists at hand that were not yet; return how many entries were written."""
    centre.trust.refresh()
    written = 0
    for issuer, held in centre.trust.lists().items():
        known = crls.published(centre.database, issuer)
        if not any(one.sha256 == held.base.info.sha256 for one in known if one.kind != "delta"):
            written += _publish_full(centre, issuer, held.base, known)
        if held.delta is not None and not any(one.sha256 == held.delta.info.sha256 for one in known):
            written += _publish_delta(centre, issuer, held.delta)
    if written:
        centre.publish()
    return written


def _publish_full(centre: Centre, issuer: bytes, index: CrlIndex, known: list[Publish]) -> int:
    data = centre.trust.list_file(index.info.sha256)
    if data is None:  # replaced this very moment: the next round has the newer one
        return 0
    new, copy = Crl(data), make_folder(centre.data / "published") / f"{issuer.hex()}.crl"
    previous = _previous(copy.read_bytes() if copy.exists() else b"", known)
    count = 0
    patch = crl_patch.make(previous, new) if previous is not None else None
    if patch is not None and previous is not None:
        count += _write(centre, issuer, index, "patch", patch, previous.info.sha256)
    if patch is None or not any(one.kind == "full" for one in [one for one in known if one.kind != "delta"][: FULL_EVERY - 1]):
        count += _write(centre, issuer, index, "full", zstandard.ZstdCompressor(level=LEVEL).compress(data))
    write_durable(copy, data)  # if we crash before this, the next list goes out whole
    return count


def _previous(data: bytes, known: list[Publish]) -> Crl | None:
    """Return the list that was published last, when the copy is really that."""
    newest = next((one for one in known if one.kind != "delta"), None)
    try:
        found = Crl(data) if newest is not None and data else None
    except Refused:
        return None
    return found if found is not None and newest is not None and found.info.sha256 == newest.sha256 else None


def _publish_delta(centre: Centre, issuer: bytes, index: CrlIndex) -> int:
    data = centre.trust.list_file(index.info.sha256)
    return _write(centre, issuer, index, "delta", data) if data is not None else 0


def _write(centre: Centre, issuer: bytes, index: CrlIndex, kind: str, data: bytes, base: bytes = b"") -> int:
    info, file = index.info, centre.blobs.put(data)
    body = Publish(
        issuer=issuer,
        name=info.issuer,
        kind=kind,  # type: ignore[arg-type]  # the three callers give the three kinds
        number="" if info.number is None else str(info.number),
        base_number="" if info.base_number is None else str(info.base_number),
        this_update_ms=info.this_update_ms,
        next_update_ms=info.next_update_ms,
        sha256=info.sha256,
        base=base,
        file=file,
        file_size=len(data),
    )
    with centre.journal.unit() as unit:
        unit.append(crls.object_id(file, info.sha256), body, blobs=[BlobRef(file, len(data), crls.MEDIA)])
    logger.info("list %s of %s published: %d bytes", kind, issuer.hex(), len(data))
    return 1
