"""Admission: an administrator makes evidence part of the register, by an act signed with their own key (PROTOCOL 2.19 to 2.22).

The act, its place in the log and the entries right after it are one transaction: either all of it happened or nothing.
What is in the register already is never logged again; what an act has admitted, no second act admits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from central.centre import Centre
from common.court import admissions
from common.court.admissions import LEAVES_MAX, REASON_CHARS_MAX, Admission, Admit
from common.court.texts import flat
from common.db import fetch
from common.errors import N_, Conflict, Refused
from common.ids import new_object_id
from common.pki.opening import Signer
from sync import directory, kept
from sync.entry import Entry
from sync.tables import entries_between, entry_at

AFTER_CUT = """SELECT e.log_index FROM entry e WHERE e.node = ?1 AND (e.epoch, e.seq) > (?2, ?3) AND e.log_index IS NOT NULL
               ORDER BY e.log_index"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that is evidence: ``index`` of its own in the log, None while it has none; ``other``: what the register has in its place;
    ``admission``: the act that admits it; ``waiting``: the code for which it could not be folded, empty for none."""

    entry: Entry
    index: int | None
    other: int | None
    admission: Admission | None
    waiting: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What one act admits: entries of one machine and epoch, at most LEAVES_MAX; ``rest``: how many are left for further acts.

    ``bundle`` is the digest of the kept bundle, empty for entries that are logged already; ``kept_id`` its number in the store.
    """

    node: int
    epoch: int
    entries: tuple[Entry, ...]
    rest: int
    bundle: bytes = b""
    kept_id: int | None = None

    @property
    def leaves(self) -> list[bytes]:
        return [entry.leaf for entry in self.entries]


def of_kept(centre: Centre, id: int) -> Choice:
    """Return what can be admitted of a bundle in the evidence store; raises NotFound("evidence.none"), Conflict("admission.done")."""
    found = kept.read(centre.database, id, centre.identity)
    waiting = [entry for entry in found.entries if admissions.of(centre.database, entry.leaf) is None and not _stands(centre, entry)]
    return _choice(found.node, waiting, found.digest, id)


def of_cut(centre: Centre, node: int) -> Choice:
    """Return what can be admitted of what the register had logged after the cut of ``node``; raises Conflict("admission.done")."""
    return _choice(node, [one.entry for one in after_cut(centre, node) if one.admission is None])


def _choice(node: int, entries: Sequence[Entry], bundle: bytes = b"", kept_id: int | None = None) -> Choice:
    if not entries:
        raise Conflict("admission.done", N_("Everything here is in the register already."))
    epoch = entries[0].envelope.epoch
    taken = [entry for entry in entries if entry.envelope.epoch == epoch][:LEAVES_MAX]
    return Choice(node, epoch, tuple(taken), len(entries) - len(taken), bundle, kept_id)


def _stands(centre: Centre, entry: Entry) -> bool:
    """Return whether the register has this very entry, and nothing is to be decided about it."""
    found = entry_at(centre.database, entry.leaf)
    cut = directory.revocation_of(centre.database, entry.envelope.node)
    after = cut is not None and (entry.envelope.epoch, entry.envelope.seq) > cut
    return found is not None and found[1] is not None and not after


def candidates(centre: Centre, entries: Sequence[Entry]) -> list[Candidate]:
    """Return how each entry stands now: before and after an act the same list is shown."""
    return [_candidate(centre, entry) for entry in entries]


def _candidate(centre: Centre, entry: Entry) -> Candidate:
    at, leaf = entry.envelope, entry.leaf
    found = entry_at(centre.database, leaf)
    statement = """SELECT log_index FROM entry WHERE node = ? AND epoch = ? AND seq = ? AND leaf <> ? AND log_index IS NOT NULL
                   ORDER BY log_index LIMIT 1"""
    other = fetch(centre.database, statement, (at.node, at.epoch, at.seq, leaf))
    waits = fetch(centre.database, "SELECT code FROM quarantine WHERE leaf = ?", (leaf,))
    index = found[1] if found else None
    return Candidate(entry, index, other[0][0] if other else None, admissions.of(centre.database, leaf), waits[0][0] if waits else "")


def after_cut(centre: Centre, node: int) -> list[Candidate]:
    """Return what the register had logged of a revoked machine after its cut, in the order of the log."""
    cut = directory.revocation_of(centre.database, node)
    if cut is None:
        return []
    indexes = [index for (index,) in fetch(centre.database, AFTER_CUT, (node, *cut))]
    return candidates(centre, [entry for index in indexes for entry, _ in entries_between(centre.database, index, index + 1)])


def admitted_of(centre: Centre, bundle: kept.Kept) -> list[Entry]:
    """Return the entries of a kept bundle of which only the header is left: they are in the register."""
    statement = """SELECT e.leaf FROM entry e WHERE e.node = ? AND e.epoch = ? AND e.seq BETWEEN ? AND ?
                   AND EXISTS (SELECT 1 FROM admission a WHERE a.leaf = e.leaf) ORDER BY e.seq"""
    rows = fetch(centre.database, statement, (bundle.node, bundle.epoch, bundle.first, bundle.last))
    return [found[0] for (leaf,) in rows if (found := entry_at(centre.database, leaf))]


def content(choice: Choice, reason: str) -> bytes:
    """Return the text that the administrator signs; raises Refused("admission.reason")."""
    return admissions.content(node=choice.node, epoch=choice.epoch, leaves=choice.leaves, reason=_reason(reason))


def admit(centre: Centre, choice: Choice, *, reason: str, signer: Signer) -> int:
    """Admit what ``choice`` names; return how many entries that were.

    Raises Refused("admission.reason"), Refused("admission.role") for a key of somebody else, Conflict("admission.done") where
    another act was quicker. It cannot be taken back.
    """
    text = content(choice, reason)
    body = Admit(
        node=choice.node,
        epoch=choice.epoch,
        bundle=choice.bundle,
        leaves=choice.leaves,
        reason=_reason(reason),
        content=text,
        signature=signer.sign(text, at_ms=signer.at_ms),
        certificate=signer.certificate.sha256,
    )
    with centre.journal.unit() as unit:
        if any(admissions.of(centre.database, leaf) for leaf in choice.leaves):
            raise Conflict("admission.done", N_("Everything here is in the register already."))
        unit.append(new_object_id(), body, actor=signer.certificate.sha256)
        centre.register.log_own()  # the act has its place before what it admits
        centre.register.log_admitted([entry for entry in choice.entries if entry_at(centre.database, entry.leaf) is None])
        if choice.kept_id is not None and not choice.rest:
            kept.release(centre.database, choice.kept_id)
    centre.publish()
    return len(choice.entries)


def _reason(text: str) -> str:
    reason = flat(text)
    if not reason or len(reason) > REASON_CHARS_MAX:
        raise Refused("admission.reason", N_("Say why in a sentence, up to %(most)d letters."), field="reason", most=REASON_CHARS_MAX)
    return reason
