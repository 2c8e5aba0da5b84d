"""Checking what machines and the register sign: receipts, certificates, bundles, proofs of inclusion, checkpoints."""

from collections.abc import Callable

import msgspec

from common.db import fetch
from common.errors import N_, Refused
from common.papers.qr import decode_qr
from sync import container, cose, directory, inclusion, lineage, merkle, revocations, witness
from sync.admission import is_admitted
from sync.bundle import leaves_digest
from sync.checkpoint import Checkpoint, read_cosignature, signers
from sync.entry import NODE_MAX, Entry
from sync.identity import CERTIFICATE_TYPE, NodeCertificate, read_certificate
from sync.lineage import Log
from sync.outages import OUTAGES_TYPE
from sync.receipts import COMPLETE_TYPE, COMPLETES_TYPE, R0_TYPE, Taken, leaves_of, read_r0, read_r2, read_r2s
from sync.report import Finding, Report
from sync.tables import PLACED, entry_at
from sync.verify_histories import CODE, compare_histories
from sync.verify_outages import outages
from sync.verify_world import World

ADMITTED = "receipt.admitted"
AFTER_CUT = N_("The machine wrote this after it had been excluded: it is kept as evidence and is no filing.")


def read_code(world: World, data: bytes, report: Report) -> None:
    """Check the text of a QR code."""
    read_message(world, decode_qr(data.lstrip(b"\xef\xbb\xbf \t\r\n").decode("ascii", "replace")), report)


def read_message(world: World, data: bytes, report: Report) -> None:
    """Check a signed message, by what its content type says it is."""
    report.kind, read = MESSAGES.get(cose.parse(data).content_type, ("receipt", _other_message))
    read(world, data, report)


def _other_message(world: World, data: bytes, report: Report) -> None:
    raise Refused("verify.message", N_("This is a signed message, but no receipt."))


def receipt(world: World, data: bytes, report: Report, certificate: NodeCertificate | None = None) -> Taken:
    """Check R0: who signed, what it promises, what is known of it here."""
    if cose.parse(data).content_type != R0_TYPE:
        raise Refused("verify.message", N_("This is a signed message, but no receipt."))
    signer = certificate or world.certificate_of(cose.parse(data).key_id)
    taken = read_r0(data, signer)
    report.facts |= {"talon": f"{taken.talon:015}", "node": taken.node, "at_ms": taken.at, "leaf": taken.leaf, "statement": taken.statement}
    report.facts |= {"epoch": taken.epoch, "seq": taken.seq, "head": taken.head} if taken.seq else {}
    about = {"node": f"{taken.node:04}", "talon": f"{taken.talon:015}", "at_ms": taken.at}
    if not any(each.level == "bad" for each in report.findings):
        report.ok(N_("The receipt is genuine: machine %(node)s took talon %(talon)s at %(at_ms)s."), **about)
    else:  # what is wrong is the page around it
        sentence = N_("The receipt inside the file is genuine, whatever the page says: machine %(node)s took talon %(talon)s at %(at_ms)s.")
        report.warn(sentence, **about)
    if taken.witness:
        report.facts["witness"] = True
        report.warn(N_("The receipt says: a witness of the court's staff signed, for a person without a key."))
    if signer.body.not_before > taken.at or taken.at > signer.body.not_after:
        # a clock may be wrong, and a machine off the line for months still takes papers: when it was, the register's heads say
        report.warn(N_("By the machine's clock its certificate was not in force then. The register's statements tell the time."))
    _standing(world, taken, report)
    return taken


def _standing(world: World, taken: Taken, report: Report) -> None:
    """What this database knows of the entry, and of the machine's standing when it wrote it."""
    found = entry_at(world.database, taken.leaf)
    _in_its_place(world, taken, report)
    revoked = _cut_of(world, taken.node, report)
    if found is None:
        report.warn(N_("This machine does not hold the papers behind the receipt. Ask in the court it was sent to."))
        if revoked is not None:
            report.warn(N_("The machine that gave the receipt was excluded later. The central register says whether it was given before."))
        return
    entry, index = found
    say_standing(world, entry, revoked is not None and (entry.envelope.epoch, entry.envelope.seq) > revoked, report)
    if taken.statement not in {blob.sha256 for blob in entry.envelope.blobs}:
        report.bad(N_("The receipt names another statement than the papers kept here."), "receipt.statement")
    if index is None:
        report.warn(N_("The papers are here. The central register has not confirmed them yet."))
    else:
        report.facts["index"] = index
        report.ok(N_("The papers are here, and in the central register under number %(index)d."), index=index)
    _interval(world, taken, report)


def say_standing(world: World, entry: Entry, after: bool, report: Report) -> None:
    """Say that a person has admitted the entry, or that it stands ``after`` the cut of its machine (PROTOCOL 2.18)."""
    if is_admitted(world.database, entry.leaf):
        sentence = N_("It was evidence first: an administrator of the centre has admitted it to the register by a signed act.")
        report.findings.append(Finding("ok", sentence, {}, ADMITTED))
    elif after:
        report.bad(AFTER_CUT, "node.revoked")


def _in_its_place(world: World, taken: Taken, report: Report) -> None:
    """Say where the register holds another entry in the place that the receipt names, and not this one (PROTOCOL 9.7)."""
    statement = f"SELECT leaf FROM {PLACED} AS e WHERE node = ? AND epoch = ? AND seq = ? AND log_index IS NOT NULL"
    held = {leaf for (leaf,) in fetch(world.database, statement, (taken.node, taken.epoch, taken.seq))}
    if held and taken.leaf not in held:
        sentence = N_(
            "The central register holds another entry in the place of this one: the papers behind this receipt were left out. "
            "The receipt proves that they were taken."
        )
        report.findings.append(Finding("warn", sentence, {}, CODE))


def _interval(world: World, taken: Taken, report: Report) -> None:
    """Say between which heads of the register the entry came to be; a clock that says otherwise is flagged for people (PROTOCOL 9.5)."""
    after, before = world.interval_of(taken.leaf)
    if after is not None and before is not None:
        report.ok(N_("By the register's statements it was taken between %(after_ms)s and %(before_ms)s."), after_ms=after, before_ms=before)
    elif before is not None:
        report.ok(N_("By the register's statements it was taken before %(before_ms)s."), before_ms=before)
    elif after is not None:
        report.ok(N_("By the register's statements it was taken after %(after_ms)s."), after_ms=after)
    if (after is not None and taken.at < after) or (before is not None and taken.at > before):
        report.warn(N_("The machine's clock said a time outside of that. People decide which one counts."))


def _cut_of(world: World, node: int, report: Report) -> tuple[int, int] | None:
    """Return the last trusted (epoch, seq) of a revoked machine, and say where the list that tells it is an old one."""
    standing = revocations.standing_of(world.database, node, world.register())
    if standing.as_of_ms is not None and standing.until_ms is not None and standing.until_ms < world.now_ms:
        sentence = N_("The list of excluded machines here is of %(list_ms)s and past its term; a newer one may say otherwise.")
        report.warn(sentence, list_ms=standing.as_of_ms)
    return standing.cut


CENTRE_ONLY = N_("This receipt is the centre's to give, and another machine signed it.")


def complete(world: World, data: bytes, report: Report) -> None:
    """Check R2."""
    centre = world.certificate_of(cose.parse(data).key_id)
    found = read_r2(data, centre)
    if centre.body.node != 0:
        raise Refused("receipt.centre", CENTRE_ONLY)
    report.facts |= {"leaf": found.leaf, "index": found.index, "at_ms": found.at}
    sentence = N_("The centre confirms that all files of entry number %(index)d had arrived whole at %(at_ms)s.")
    report.ok(sentence, index=found.index, at_ms=found.at)


def completes(world: World, data: bytes, report: Report) -> None:
    """Check R2 for many entries."""
    centre = world.certificate_of(cose.parse(data).key_id)
    found = read_r2s(data, centre)
    if centre.body.node != 0:
        raise Refused("receipt.centre", CENTRE_ONLY)
    report.facts |= {"at_ms": found.at}
    for first, count in found.runs:
        sentence = N_("The centre confirms that all files of entries number %(first)d to %(last)d had arrived whole at %(at_ms)s.")
        report.ok(sentence, first=first, last=first + count - 1, at_ms=found.at)


def _certificate(world: World, data: bytes, report: Report) -> None:
    certificate = read_certificate(data, world.register())
    report.facts |= {"node": certificate.body.node, "until_ms": certificate.body.not_after}
    report.ok(N_("The registry has issued this certificate to machine %(node)s."), node=f"{certificate.body.node:04}")
    if _cut_of(world, certificate.body.node, report) is not None:
        report.warn(N_("This machine was excluded later."))


def read_bundle(world: World, data: bytes, report: Report) -> None:
    """Check a bundle from outside: what is sealed in it only its recipient can read."""
    signed, _, _ = container.split_container(data)
    certificate = world.certificate_of(signed.key_id)
    header, _ = container.read_header(data, certificate.sign_key, world.register().environment)
    node = f"{certificate.body.node:04}"
    report.facts |= {"node": certificate.body.node, "bundle": header.kind, "size": header.plain_size}
    report.ok(N_("The bundle is signed by machine %(node)s, and its sealed content is whole."), node=node)
    epoch, first, last = (header.about.get(name) for name in ("epoch", "first", "last"))
    if header.kind == "up" and type(epoch) is int and type(first) is int and type(last) is int:
        report.facts |= {"epoch": epoch, "first": first, "last": last, "prior": header.about.get("prior"), "head": header.about.get("head")}
        report.ok(N_("It carries entries %(first)d to %(last)d of epoch %(epoch)d."), first=first, last=last, epoch=epoch)
        cut = _cut_of(world, certificate.body.node, report)
        if cut is not None and (epoch, last) > cut and not _all_admitted(world, certificate.body.node, (epoch, first, last)):
            report.bad(AFTER_CUT, "node.revoked")
        _compare_entries(world, certificate.body.node, (epoch, first, last), header.about.get("leaves"), report)


def _all_admitted(world: World, node: int, place: tuple[int, int, int]) -> bool:
    held = leaves_of(world.database, node, *place)
    return len(held) == place[2] - place[1] + 1 and all(is_admitted(world.database, leaf) for leaf in held)


def _compare_entries(world: World, node: int, place: tuple[int, int, int], said: object, report: Report) -> None:
    """Hold the bundle's own digest of its entries against the entries kept here, where all of them are."""
    epoch, first, last = place
    held = leaves_of(world.database, node, epoch, first, last)
    if len(held) != last - first + 1:
        return
    if leaves_digest(held) == said:
        report.ok(N_("They are the same entries that are kept here."))
        report.leaves = tuple(held)
        found = entry_at(world.database, held[-1])
        if found and found[1] is not None:
            report.facts["index"] = found[1]
            report.ok(N_("The central register has taken it; its last entry has number %(index)d."), index=found[1])
    else:
        report.bad(N_("They are other entries than those kept here under the same numbers."), "bundle.fork")


def read_proof(world: World, data: bytes, report: Report) -> None:
    """Check a proof of inclusion (C2SP tlog-proof)."""
    proof, logs = inclusion.read_proof(data), world.logs()
    leaf = world.leaf or proof.extra
    if leaf is None:
        raise Refused("verify.leaf", N_("The proof does not name its entry. Give the talon or the entry beside it."))
    checkpoint, log = lineage.check_proof(proof, merkle.leaf_hash(leaf), logs)
    report.facts |= {"index": proof.index, "size": checkpoint.size, "root": checkpoint.root, "leaf": leaf, "lineage": log.number}
    sentence = N_("The central register holds the entry under number %(index)d among %(size)d.")
    report.ok(sentence, index=proof.index, size=checkpoint.size)
    _same_register(world, checkpoint, log, proof.note, report)
    if entry_at(world.database, leaf) is None:
        report.warn(N_("The entry itself is not kept here."))


def read_statement(world: World, data: bytes, report: Report) -> None:
    """Check a checkpoint of the register."""
    checkpoint, log = lineage.read_note(data, world.logs())
    report.facts |= {"size": checkpoint.size, "root": checkpoint.root, "lineage": log.number}
    report.ok(N_("The register's own key has signed this statement about %(size)d entries."), size=checkpoint.size)
    _cosigners(world, data, log, report)
    _same_register(world, checkpoint, log, data, report)


def _cosigners(world: World, note: bytes, log: Log, report: Report) -> None:
    """Say which machines have cosigned: the register cannot show those another history."""
    pin = msgspec.structs.replace(world.register(), origin=log.origin)
    cosigned: dict[int, int] = {}
    for name in signers(note):
        _, _, number = name.removeprefix(pin.origin).rpartition("/")
        named = number.isascii() and number.isdigit() and len(number) <= len(str(NODE_MAX))  # anybody may add a line
        certificates = directory.certificates_of(world.database, int(number), pin) if named else []
        for certificate in certificates:
            try:
                seconds = read_cosignature(note, witness.name_of(pin, certificate.body.node), certificate.sign_key)
            except Refused:
                continue
            sentence = N_("Machine %(node)s found it to continue what it had seen before, and cosigned at %(cosigned_ms)s.")
            report.ok(sentence, node=f"{certificate.body.node:04}", cosigned_ms=seconds * 1000)
            cosigned[certificate.body.node] = seconds
            break
    report.facts["cosigned"] = {f"{node:04}": seconds for node, seconds in cosigned.items()}


def _same_register(world: World, head: Checkpoint, log: Log, note: bytes, report: Report) -> None:
    """A register that shows two histories is caught by comparing what it told others with what it told this machine."""
    if log.until is not None and head.size > log.until:
        _say_ended(log, note, report)
        return
    known = world.known_root(head.size)
    if known is None:
        return
    if known == head.root:
        report.ok(N_("It agrees with what the register has told this machine."))
    else:
        report.bad(N_("The register has told this machine something else about the same number of entries."), "register.split")


def _say_ended(log: Log, note: bytes, report: Report) -> None:
    """A head of an earlier log above the one from which the next log goes on: true as long as that key was the register's alone."""
    if len(signers(note)) > 1:
        sentence = N_(
            "It is of log %(number)d, which log %(next)d continues from entry %(until)d on: machines had cosigned it before that."
        )
        report.ok(sentence, number=log.number, next=log.number + 1, until=log.until)
        return
    sentence = N_(
        "It is of log %(number)d, which log %(next)d continues from entry %(until)d on; no machine has cosigned this head. Ask the "
        "register for the proof of the present log."
    )
    report.warn(sentence, number=log.number, next=log.number + 1, until=log.until)


def _lineage(world: World, data: bytes, report: Report) -> None:
    """Check the registry's statement about a new log."""
    one = lineage.read(data, world.register())
    report.facts |= {"lineage": one.number, "size": one.size, "at_ms": one.at}
    sentence = N_("The registry began log %(number)d of the register at %(at_ms)s: it continues the log before from entry %(size)d on.")
    report.ok(sentence, number=one.number, at_ms=one.at, size=one.size)
    report.ok(N_("The reason it gives: %(reason)s"), reason=one.reason)


def compare(reports: list[Report]) -> None:
    """Hold signed statements that were given together against each other, those inside containers too: of machines, and of the register.

    Two roots of one size are a register with two faces. A smaller one that a machine cosigned after a larger one is a
    register that was set back.
    """
    compare_histories(reports)
    said = [each for report in reports for each in (report, *report.parts) if "root" in each.facts]
    for place, one in enumerate(said):
        for other in said[:place]:
            if one.facts.get("lineage") != other.facts.get("lineage"):
                continue  # what a log that ended had said above its end, the next one need not say
            if one.facts["size"] == other.facts["size"] and one.facts["root"] != other.facts["root"]:
                for each in (one, other):
                    each.bad(N_("The register has signed two different statements about the same number of entries."), "register.split")
            elif _set_back(one, other) or _set_back(other, one):
                for each in (one, other):
                    each.bad(
                        N_("A machine cosigned the smaller statement after the larger one: the register was set back."),
                        "register.rolled_back",
                    )


def _set_back(small: Report, large: Report) -> bool:
    sizes, times, later = (small.facts["size"], large.facts["size"]), large.facts.get("cosigned"), small.facts.get("cosigned")
    if not (isinstance(times, dict) and isinstance(later, dict) and isinstance(sizes[0], int) and isinstance(sizes[1], int)):
        return False
    return sizes[0] < sizes[1] and any(later[node] > times[node] for node in later.keys() & times.keys())


MESSAGES: dict[str, tuple[str, Callable[[World, bytes, Report], object]]] = {
    R0_TYPE: ("receipt", receipt),
    COMPLETE_TYPE: ("complete", complete),
    COMPLETES_TYPE: ("complete", completes),
    CERTIFICATE_TYPE: ("certificate", _certificate),
    OUTAGES_TYPE: ("outages", outages),
    lineage.LINEAGE_TYPE: ("lineage", _lineage),
}
"""Content type of a signed message → (kind in the report, its check)."""
