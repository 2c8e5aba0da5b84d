"""Revocation lists that came with the exchange: put together, verified, used.

A list comes as a way of files (`common.court.crls.route`); when all of them are here the list is made of them and imported
as one from a file is: its certification centre's signature over the whole is verified, once, whoever brought the pieces.
Until then the list at hand stays.
"""

import logging
from typing import Final

import zstandard

from common.court import crls
from common.court.crls import Step
from common.errors import N_, CourtError, Refused
from common.pki import crl_patch
from common.pki.crl import CRL_BYTES_MAX
from edge.node import Node
from sync.absent import missing_blobs

RETRY_MS: Final = 3_600_000
"""Verifying the signature of a national list takes a second, and a wrong one does not become right."""

logger = logging.getLogger(__name__)


class Taker:
    """Uses what newer lists have come; one per machine. What was refused is tried again after a while, and when more comes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._not_before: dict[bytes, int] = {}

    def run(self) -> int:
        """Use the lists that have come whole; return how many files were used."""
        node = self._node
        node.trust.refresh()
        done = 0
        for issuer, way in crls.ways(node.database, node.trust):
            last = way[-1].file
            if self._not_before.get(last, 0) > node.clock.monotonic() or not all(node.blobs.has(step.file) for step in way):
                continue
            try:
                done += _follow(node, issuer, way)
            except CourtError as error:
                logger.error("list of %s: %s", issuer.hex(), error.code)
                self._not_before[last] = node.clock.monotonic() + RETRY_MS
        return done


def missing(node: Node) -> tuple[int, int]:
    """Return (count, bytes) of named files that this machine needs and that have not come."""
    skip = crls.unneeded(node.database, node.trust)
    sizes = [size for sha256, size, _ in missing_blobs(node.database) if sha256 not in skip]
    return len(sizes), sum(sizes)


def _follow(node: Node, issuer: bytes, way: tuple[Step, ...]) -> int:
    held = node.trust.lists().get(issuer)
    data = (node.trust.list_file(held.base.info.sha256) or b"") if held is not None else b""
    now, full = node.clock.now(), [step for step in way if step.kind != "delta"]
    for step in full:
        file = node.blobs.read(step.file)
        data = _unpacked(file) if step.kind == "full" else crl_patch.apply(data, file)
    if full:
        node.trust.import_crl(data, now)
    for step in way[len(full) :]:
        node.trust.import_crl(node.blobs.read(step.file), now)
    return len(way)


def _unpacked(data: bytes) -> bytes:
    try:
        if 0 < zstandard.frame_content_size(data) <= CRL_BYTES_MAX:
            return zstandard.ZstdDecompressor(max_window_size=CRL_BYTES_MAX).decompress(data)
    except zstandard.ZstdError as error:
        raise Refused("crl.packed", N_("A revocation list that came with the exchange cannot be unpacked.")) from error
    raise Refused("crl.packed", N_("A revocation list that came with the exchange cannot be unpacked."))
