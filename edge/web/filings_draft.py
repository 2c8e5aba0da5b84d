"""What every page of a draft begins with: whose it is, where the draft went if it was sent, and how a save is told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
from flask import abort, g, redirect, request, url_for
from flask_babel import gettext

from common.court.rule_facts import Finding
from common.errors import N_, NotFound
from common.ids import OBJECT_ID_BYTES
from common.papers.words import time_words
from common.web.forms import CourtForm, errors_of
from common.web.frame import current_frame
from edge.node import Node
from edge.services import drafts, filings
from edge.services.draft_content import Content, Draft
from edge.visitor import Visitor
from edge.web import access
from edge.web.filings_words import say

Problem = tuple[str, str]
"""(id of what to look at, sentence), as the error summary takes them."""


def read_id(text: str) -> bytes:
    """Return the object id of an address; raises NotFound for anything else."""
    try:
        id = bytes.fromhex(text)
    except ValueError:
        id = b""
    if len(id) != OBJECT_ID_BYTES or text != id.hex():
        raise NotFound("web.no_page", N_("There is no page at this address."))
    return id


def opened(node: Node, id: str) -> tuple[Visitor, Draft]:
    """Return who is here and their draft; a draft that was sent leads to its talon. Raises NotFound for everybody else's."""
    who, key = access.require_visitor(witnessed=True), read_id(id)
    if filings.sent(node, who, key) is not None:
        abort(redirect(url_for("filings.sent", id=id), 303))
    draft = drafts.find(node, who, key)
    g.frame = replace(current_frame(), draft_code=draft.code)
    return who, draft


def reached(content: Content, step: int) -> Content:
    """Return ``content`` that remembers how far the person has come."""
    return msgspec.structs.replace(content, step=max(step, content.step))


def typed_fields(names: Sequence[str]) -> dict[str, str]:
    """Return the raw text of the fields of a page as they came."""
    return {name: request.form[name] for name in names if name in request.form}


def saved_words(ms: int) -> str:
    """Return «Сақталды: 14:47.»"""
    return gettext("Saved: %(time)s.", time=time_words(ms))


def wants(button: str) -> bool:
    """Say whether the form was sent by the button ``button`` (name ``go``)."""
    return request.form.get("go") == button


def tell_findings(form: CourtForm, findings: Sequence[Finding]) -> list[Problem]:
    """Put what the rule pack forbids at its fields and return all problems of the page for the summary above it."""
    elsewhere: list[Problem] = []
    for finding in findings:
        if finding.passed or finding.level != "must":
            continue
        sentence, field = say(finding.sentence, finding.params), form._fields.get(finding.field)
        if field is None:
            elsewhere.append((finding.field, sentence))
        elif not field.errors:
            field.errors = (sentence,)
    return [*errors_of(form), *elsewhere]


def of_step(findings: Sequence[Finding], step: int) -> list[Finding]:
    """Return the findings that are corrected on one step."""
    return [finding for finding in findings if finding.step == step]


def raw_or(draft: Draft, page: str, data: Mapping[str, object]) -> dict[str, object]:
    """Return what a page shows: the raw text typed there last, else what the form says."""
    return {**data, **draft.content.typed.get(page, {})}
