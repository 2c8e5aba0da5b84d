"""The participants of a claim: add, edit, remove and bring back, each on a page of its own (CLM-3, CLM-4)."""

from dataclasses import dataclass

import msgspec
from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from common.court.claim import FILING_ROLES, PARTIES_MAX, Claim, Party
from common.errors import N_, Conflict, NotFound, Refused
from common.people import calm_name, spaced
from common.web.forms import errors_of
from common.web.pages import render_confirm
from edge.node import Node
from edge.services import drafts
from edge.services.draft_content import Content, Draft, replace_claim, without_typed
from edge.visitor import Visitor
from edge.web.filings_draft import opened, raw_or, saved_words
from edge.web.filings_party_form import PartyForm, WhoForm, party_data, role_words, roles_for
from edge.web.filings_words import title_of

MOVED = N_("The participants were changed in another window. Press «Save the participant», then look at the list.")
MANY = N_("A claim names at most %(max)d participants here. Attach a list of the others as a file.")


@dataclass(frozen=True, slots=True)
class PartyView:
    """One participant as the list shows it."""

    place: int
    role: str
    name: str
    number: str
    address: str
    warning: str
    removable: bool


def party_views(claim: Claim, who: Visitor) -> list[PartyView]:
    """Return the participants in order, the signed-in person marked."""
    acts = claim.filed_by_role == "representative"  # then one's own data may stand there by mistake
    return [_view(place, party, is_own(party, who), removable=acts or not is_own(party, who)) for place, party in enumerate(claim.parties)]


def is_own(party: Party, who: Visitor) -> bool:
    """Say whether the participant is the one who is signed in."""
    return bool(party.number) and party.number == who.person


def _view(place: int, party: Party, own: bool, *, removable: bool) -> PartyView:
    role = role_words()[party.role]
    entity = party.kind == "legal_entity"
    label = gettext("BIN") if entity else gettext("IIN")
    kind = gettext("organisation") if entity else gettext("person")
    resident = gettext("resident") if party.resident else gettext("not a resident")
    number = f"{label}\u00a0{spaced(party.number)}" if party.number else ""
    warning = ""
    if not party.address.strip():
        warning = gettext("The address is missing") if party.role in ("plaintiff", "applicant", "defendant") else ""
    elif party.unverified_address and not own:
        warning = gettext("The address is not checked yet: it is checked when there is a line")
    return PartyView(
        place=place,
        role=gettext("%(role)s · this is you", role=role) if own else role,
        name=party.display_name or gettext("Name not entered yet"),
        number=", ".join(part for part in (number, kind, resident) if part),
        address=party.address,
        warning=warning,
        removable=removable,
    )


def add_pages(pages: Blueprint, node: Node) -> None:
    """Add the pages of participants."""
    _add_new(pages, node)
    _add_edit(pages, node)
    _add_remove(pages, node)


def _add_new(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/parties/new", methods=["GET", "POST"])
    def party_new(id: str) -> str | tuple[str, int] | BaseResponse:
        _, draft = opened(node, id)
        if len(draft.claim.parties) >= PARTIES_MAX:
            raise Refused("claim.parties", MANY, max=PARTIES_MAX)
        form = WhoForm(data={"kind": "individual", "role": _next_role(draft.claim), "resident": "yes"})
        form.offer(draft.claim.proceedings)
        if form.validate_on_submit():
            chosen = {"kind": form.kind.data, "role": form.role.data, "resident": form.resident.data}
            return redirect(url_for("filings.party_details", id=id, **chosen), 303)
        return form.page("edge/filings/party_new.html", id=id, heading=title_of(draft.claim.proceedings))

    @pages.route("/drafts/<id>/parties/new/details", methods=["GET", "POST"])
    def party_details(id: str) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        asked = {name: request.args.get(name, "") for name in ("kind", "role", "resident")}
        chosen = {name: value for name, value in asked.items() if value}
        data = {**raw_or(draft, "party-new", _prefilled(draft.claim, who, asked)), **chosen}
        form = _form(draft, data)
        if request.method == "POST" and (party := form.party(None, (who.iin, who.bin))) is not None:
            drafts.change(node, who, draft.id, lambda content: with_party(content, party))
            return redirect(url_for("filings.case", id=id) + "#parties", 303)
        return _page(draft, form, id, place="new", who=who)


def _add_edit(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/parties/<int:place>", methods=["GET", "POST"], endpoint="party")
    def edit(id: str, place: int) -> tuple[str, int] | BaseResponse:
        who, draft = opened(node, id)
        was = request.form.get("was")
        at = place_of(draft.claim, place, was)
        party = None if at is None else _at(draft, at)
        form = _form(draft, raw_or(draft, f"party-{place}", party_data(party)) if party else {})
        if request.method == "POST" and (changed := form.party(party, (who.iin, who.bin))) is not None:
            drafts.change(node, who, draft.id, lambda content: _put(content, place, was, changed))
            return redirect(url_for("filings.case", id=id) + f"#party-{place}", 303)
        return _page(draft, form, id, place=str(place), who=who, was=was or (mark_of(party) if party else ""))


def _add_remove(pages: Blueprint, node: Node) -> None:
    @pages.route("/drafts/<id>/parties/<int:place>/remove", methods=["GET", "POST"])
    def party_remove(id: str, place: int) -> str | BaseResponse:
        who, draft = opened(node, id)
        party, back = _at(draft, place), url_for("filings.case", id=id) + "#parties"
        if request.method == "POST":
            drafts.change(node, who, draft.id, lambda content: _without(content, place, party))
            return redirect(back, 303)
        return render_confirm(
            gettext("Take this participant out?"),
            action=url_for("filings.party_remove", id=id, place=place),
            verb=gettext("Take out"),
            back=back,
            happens=[f"{role_words()[party.role]}: {party.display_name or gettext('Name not entered yet')}"],
            stays=[gettext("You can bring the participant back from the same page until you take out another one.")],
            icon="trash",
            danger=True,
        )

    @pages.post("/drafts/<id>/parties/undo")
    def party_undo(id: str) -> BaseResponse:
        who, draft = opened(node, id)
        drafts.change(node, who, draft.id, _undone)
        return redirect(url_for("filings.case", id=id) + "#parties", 303)


def _form(draft: Draft, data: dict[str, object]) -> PartyForm:
    form = PartyForm(formdata=request.form if request.method == "POST" else None, data=data)
    form.offer(draft.claim.proceedings)
    if request.method == "POST" and request.form.get("kind") not in ("individual", "legal_entity"):
        form.kind.data = str(data.get("kind") or "individual")
    return form


def _page(draft: Draft, form: PartyForm, id: str, *, place: str, who: Visitor, was: str = "") -> tuple[str, int]:
    entity = form.kind.data == "legal_entity"
    page = render_template(
        "edge/filings/party.html",
        form=form,
        problems=errors_of(form),
        id=id,
        place=place,
        was=was,
        entity=entity,
        new=place == "new",
        role=role_words().get(form.role.data or "", ""),
        resident=form.resident.data != "no",
        address_needed=form.role.data in ("plaintiff", "applicant", "defendant"),
        number_needed=form.resident.data != "no" and form.role.data in ("plaintiff", "applicant", "representative"),
        heading=title_of(draft.claim.proceedings),
        saved=saved_words(draft.saved_ms),
    )
    return page, 400 if form.errors else 200


def _next_role(claim: Claim) -> str:
    """Return the role that is most likely wanted next."""
    return next((role for role in roles_for(claim.proceedings) if role != "third_party" and not claim.of_role(role)), "third_party")


def _prefilled(claim: Claim, who: Visitor, asked: dict[str, str]) -> dict[str, object]:
    """Return the person's own data where they add themselves: as the filer, or as the representative."""
    own = FILING_ROLES.get(claim.proceedings, "plaintiff")
    wanted = "representative" if claim.filed_by_role == "representative" else own
    if asked["role"] != wanted or any(is_own(party, who) for party in claim.parties):
        return {}
    if asked["kind"] == "legal_entity":
        return {"bin": who.bin, "name": who.name} if who.bin else {}
    surname, first_name, patronymic, *_ = [*calm_name(who.name).split(maxsplit=2), "", "", ""]
    return {} if who.bin else {"iin": who.iin, "surname": surname, "first_name": first_name, "patronymic": patronymic}


def _at(draft: Draft, place: int) -> Party:
    if place >= len(draft.claim.parties):
        raise NotFound("claim.no_party", N_("This participant is not in the draft any more."))
    return draft.claim.parties[place]


def with_party(content: Content, party: Party) -> Content:
    """Return ``content`` with one more participant."""
    changed = replace_claim(content, parties=(*content.claim.parties, party))
    return without_typed(changed, "party-new")


def mark_of(party: Party) -> str:
    """Return who a participant is, so that a page knows them again when another window has moved the list."""
    return f"{party.number}|{party.display_name}"


def place_of(claim: Claim, place: int, was: str | None) -> int | None:
    """Return where the participant ``was`` of ``place`` stands now; None where another window has taken them out or changed who it is."""
    if was is None:
        return place
    same = [at for at, party in enumerate(claim.parties) if mark_of(party) == was]
    return place if place in same else next(iter(same), None)


def require_place(claim: Claim, place: str, was: str | None) -> None:
    """Raise Conflict("claim.party_moved") where what is typed on the page of a participant would be kept for somebody else."""
    if place.isdecimal() and place_of(claim, int(place), was) != int(place):
        raise Conflict("claim.party_moved", MOVED)


def _put(content: Content, place: int, was: str | None, party: Party) -> Content:
    """Put ``party`` where ``was`` stands; where nobody is it any more, behind the others: nobody else is overwritten."""
    at = place_of(content.claim, place, was)
    parties = list(content.claim.parties)
    at = len(parties) if at is None else at
    parties[at : at + 1] = [party]
    return without_typed(replace_claim(content, parties=tuple(parties)), f"party-{place}", f"party-{at}")


def _without(content: Content, place: int, party: Party) -> Content:
    if content.claim.parties[place : place + 1] != (party,):
        return content  # another window was quicker
    parties = content.claim.parties[:place] + content.claim.parties[place + 1 :]
    changed = msgspec.structs.replace(replace_claim(content, parties=parties), removed=(place, party))
    # raw fields belong to places, and the places behind this one have moved
    return without_typed(changed, *(page for page in content.typed if page.startswith("party-") and page != "party-new"))


def _undone(content: Content) -> Content:
    if content.removed is None:
        return content
    place, party = content.removed
    parties = (*content.claim.parties[:place], party, *content.claim.parties[place:])
    return msgspec.structs.replace(replace_claim(content, parties=parties), removed=None)
