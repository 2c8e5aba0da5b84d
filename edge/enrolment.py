"""How this machine becomes a node: keys are made here and never leave; the centre certifies their public halves."""

from pathlib import Path

from common.errors import N_, Conflict, Refused
from common.files import make_folder, write_durable
from edge.node import CENTRE_CERTIFICATE_FILE
from sync import enrolment, identity
from sync.ports import OK, Transport


def enrol(data: Path, code_text: str, transport: Transport) -> int:
    """Enrol the machine in ``data`` and return its node number; raises Refused, Conflict("enrol.done") or Unreachable."""
    if (data / identity.KEYS_FILE).exists():
        raise Conflict("enrol.done", N_("This machine is enrolled already. Nothing was changed."))
    code = enrolment.read_code(code_text)
    keys = identity.generate_keys()
    status, answer = transport.post(enrolment.PATH, enrolment.write_request(code, keys))
    if status != OK:
        raise Refused("enrol.used", N_("This enrolment code is wrong, was used already, or is too old. Ask the centre for a new one."))
    grant, pin = enrolment.read_grant(answer, code, keys)
    make_folder(data)
    write_durable(data / CENTRE_CERTIFICATE_FILE, grant.centre)
    identity.save_identity(data, keys, grant.certificate, pin)
    return identity.load_identity(data).node
