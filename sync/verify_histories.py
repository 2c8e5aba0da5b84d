"""Holding a machine's signed statements about its own chain against each other, offline (PROTOCOL 9.6 to 9.8).

- A receipt (R0) says what the head of the chain was right after its entry; a bundle says it before its first and after its last
  entry, and where its entries are held here, after each. Two heads of one (machine, epoch, number) are two histories.
- What follows the receipt's entry in the register proves that the entry reached it: the register takes none without those before it.
- What it does not prove: who left the papers out, machine or centre, and anything about a receipt that names no place.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from common.errors import N_
from sync.entry import chain_next
from sync.report import Finding, Report

Place = tuple[int, int, int]
"""Machine, epoch, number of the entry."""
CODE = "receipt.left_out"


def compare_histories(reports: Sequence[Report]) -> None:
    """Hold receipts and bundles that were given together against each other; what comes of it is added to their reports."""
    given = [each for report in reports for each in (report, *report.parts) if "epoch" in each.facts and "node" in each.facts]
    for proof in (each for report in reports for each in (report, *report.parts) if each.kind == "proof"):
        _say_logged(given, proof)
    heads = [dict(_heads(each)) for each in given]
    for (one, mine), (other, theirs) in combinations(zip(given, heads, strict=True), 2):
        common = mine.keys() & theirs.keys()
        parted = [place for place in common if mine[place] != theirs[place]]
        if parted:
            _say_parted(one, other, min(parted))
        elif _is_receipt(one) != _is_receipt(other):
            receipt, bundle = (one, other) if _is_receipt(one) else (other, one)
            _say_pair(receipt, bundle, together=bool(common))
    for receipt in filter(_is_receipt, given):
        _say_passed(receipt, given)


def _is_receipt(report: Report) -> bool:
    return "seq" in report.facts


def _heads(report: Report) -> Iterator[tuple[Place, bytes]]:
    """Every (place, head of the chain after it) that a file's signature covers."""
    node, epoch, first, last = (_number(report, name) for name in ("node", "epoch", "first", "last"))
    prior, head = report.facts.get("prior"), report.facts.get("head")
    if isinstance(head, bytes):
        yield (node, epoch, _number(report, "seq") if _is_receipt(report) else last), head
    if isinstance(prior, bytes):
        yield (node, epoch, first - 1), prior
        for place, leaf in enumerate(report.leaves[:-1], first):
            prior = chain_next(prior, leaf)
            yield (node, epoch, place), prior


def _number(report: Report, name: str) -> int:
    value = report.facts.get(name)
    return value if isinstance(value, int) else 0


def _say_logged(given: Sequence[Report], proof: Report) -> None:
    """Note the index in the register that a proof of inclusion gives to a receipt's entry or to the last entry of a bundle."""
    leaf, index = proof.facts.get("leaf"), proof.facts.get("index")
    if not (proof.valid and isinstance(leaf, bytes) and isinstance(index, int)):
        return
    for each in given:
        prior, alone = each.facts.get("prior"), each.facts.get("first") == each.facts.get("last")
        ends = alone and isinstance(prior, bytes) and chain_next(prior, leaf) == each.facts.get("head")
        if ends or each.facts.get("leaf") == leaf or each.leaves[-1:] == (leaf,):
            each.facts["index"] = index


def _say_parted(one: Report, other: Report, place: Place) -> None:
    params = {"node": f"{place[0]:04}", "epoch": place[1], "seq": place[2]}
    for report in (one, other):
        if not _is_receipt(report):
            code = CODE if _is_receipt(one) or _is_receipt(other) else "bundle.fork"
            sentence = N_("Machine %(node)s has signed two histories that do not agree at entry %(seq)d of epoch %(epoch)d.")
            report.bad(sentence, code, **params)
        else:
            # the receipt stays as genuine as it was: it is one half of the proof
            said = N_(
                "Machine %(node)s has signed another history too, in which entry %(seq)d of epoch %(epoch)d is not the one of "
                "this receipt. Both files "
                "together prove to anybody that papers taken against a receipt were left out. They do not say who did it."
            )
            report.findings.append(Finding("warn", said, params, CODE))


def _say_pair(receipt: Report, bundle: Report, *, together: bool) -> None:
    if any(receipt.facts[name] != bundle.facts[name] for name in ("node", "epoch")):
        return
    seq, first, last = (_number(each, name) for each, name in ((receipt, "seq"), (bundle, "first"), (bundle, "last")))
    if not together and last >= seq:
        receipt.warn(
            N_(
                "This bundle does not show whether the entry of the receipt is in it. "
                "Give the one that ends with entry %(seq)d or begins after it."
            ),
            seq=seq,
        )
    elif together and first <= seq:
        receipt.ok(N_("The bundle carries the entry of this receipt: whoever took the bundle took it too."))
    elif together:
        receipt.ok(N_("The bundle goes on right after the entry of this receipt: who made it had not left the entry out."))


def _say_passed(receipt: Report, given: Sequence[Report]) -> None:
    """What the register holds of the same machine and epoch after the receipt's entry proves that the entry had reached it."""
    if "index" in receipt.facts:
        return
    seq = _number(receipt, "seq")
    later = [
        (_number(each, "seq") or _number(each, "last"), _number(each, "index"))
        for each in given
        if "index" in each.facts and all(each.facts[name] == receipt.facts[name] for name in ("node", "epoch"))
    ]
    place, index = min((each for each in later if each[0] >= seq), default=(0, 0))
    if place:
        sentence = N_(
            "The register holds entry %(later)d of the same machine under number %(index)d, and it takes none without those before it: "
            "entry %(seq)d had reached it. If it denies that, these files prove to anybody that it left the entry out."
        )
        receipt.findings.append(Finding("warn", sentence, {"later": place, "index": index, "seq": seq}, "receipt.passed_over"))
