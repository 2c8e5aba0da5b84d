"""Who works where: appointments and dismissals, written by the centre and received by every machine."""

from typing import Final

from central.centre import Centre
from central.services import reference
from common.court import staff
from common.errors import N_, Conflict, NotFound, Refused
from common.pki.certificates import Certificate, read_certificate

NAME_CHARS_MAX: Final = 200
ROLES: Final[tuple[staff.Role, ...]] = ("clerk", "judge", "chairman", "administrator", "central")


def appoint(centre: Centre, *, name: str, court: str, role: str, certificate: bytes, actor: bytes) -> bytes:
    """Appoint the holder of ``certificate`` (DER or PEM) and return the appointment's object.

    ``court`` is empty for the centre. Raises Refused naming the field: name, court, role, certificate; Conflict("staff.held").
    """
    book = centre.book()
    if role not in ROLES:
        raise Refused("staff.role", N_("Choose one of the answers."), field="role")
    if (role == "central") != (not court):
        raise Refused("staff.place", N_("Clerks, judges and chairmen belong to a court, the staff of the centre to none."), field="court")
    if court and book.find_court(court) is None:
        raise Refused("staff.court", N_("Choose a court from the list."), field="court")
    holder = _read(centre, certificate)
    if not name.strip() or len(name) > NAME_CHARS_MAX:
        raise Refused("staff.name", N_("Write the person's name, up to %(most)d letters."), field="name", most=NAME_CHARS_MAX)
    now = centre.clock.now()
    held = staff.roles_at(centre.database, holder.sha256, now_ms=now)
    if any((one.court, one.role) == (court, role) for one in held):
        raise Conflict("staff.held", N_("This person holds this appointment already."), field="role")
    body = staff.Appoint(name=name.strip(), court=court, role=role, certificate=holder.der, from_ms=now)
    return reference.appoint(centre, body, actor=actor)


def _read(centre: Centre, data: bytes) -> Certificate:
    """Return the certificate; refuses one under which nobody's decision would count."""
    try:
        holder = read_certificate(data)
        centre.trust.refresh()
        centre.trust.check(holder, at_ms=centre.clock.now(), now_ms=centre.clock.now())
    except Refused as error:
        raise Refused(error.code, error.sentence, field="certificate", **error.params) from error
    return holder


def appointment(centre: Centre, obj: bytes) -> staff.Appointment:
    """Return one appointment as it stands; raises NotFound("staff.none")."""
    found = staff.appointment(centre.database, obj)
    if found is None:
        raise NotFound("staff.none", N_("There is no such appointment."))
    return found


def dismiss(centre: Centre, obj: bytes, *, actor: bytes) -> None:
    """End an appointment now; raises NotFound or Conflict("staff.ended"), and Conflict("staff.last") for the last administrator."""
    held = appointment(centre, obj)
    now = centre.clock.now()
    if held.to_ms is not None and held.to_ms <= now:
        raise Conflict("staff.ended", N_("This appointment has ended already."))
    if held.role == "central" and len(staff.staff_of(centre.database, "", now_ms=now)) <= 1:
        raise Conflict("staff.last", N_("This is the last administrator of the centre: appoint another one first."))
    with centre.journal.unit() as unit:
        body = staff.Appoint(
            name=held.name,
            court=held.court,
            role=held.role,  # type: ignore[arg-type]  # the fold let in no other
            certificate=held.certificate_der,
            from_ms=held.from_ms,
            to_ms=max(unit.now, held.from_ms),
        )
        unit.append(obj, body, actor=actor)
    centre.publish()
