"""The eighteen services of the cabinet (REG-8), with the manual's names; the only list of them.

A service without an ``endpoint`` is not built yet: its tile is marked and its page says so.
"""

from dataclasses import dataclass
from typing import Final

from common.errors import N_

GROUPS: Final = {
    "appeal": N_("Turning to the court"),
    "summons": N_("Summonses and notices"),
    "cases": N_("Cases and hearings"),
    "acts": N_("Court acts"),
    "contact": N_("Contact with the court"),
}
"""Groups of tasks in the order of the first page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: ``name`` and ``about`` are message ids, ``slug`` its part of an address."""

    slug: str
    group: str
    icon: str
    name: str
    about: str
    sign_in: bool = True
    endpoint: str | None = None


SERVICES: Final = (
    Service(
        slug="filing",
        group="appeal",
        icon="send",
        name=N_("Sending documents"),
        about=N_("a claim, a complaint, a motion"),
        endpoint="filings.choose",
    ),
    Service(
        slug="cases",
        group="appeal",
        icon="folder2-open",
        name=N_("My cases"),
        about=N_("talons and the course of a case"),
        endpoint="filings.mine",
    ),
    Service(slug="powers", group="appeal", icon="pen", name=N_("Power of attorney"), about=N_("giving rights to a representative")),
    Service(slug="reconciliation", group="appeal", icon="people", name=N_("E-reconciliation"), about=N_("settling a dispute by agreement")),
    Service(
        slug="notifications",
        group="summons",
        icon="bell",
        name=N_("Notifications"),
        about=N_("on applications and cases"),
        endpoint="notifications.list",
    ),
    Service(slug="sms", group="summons", icon="phone", name=N_("Court summons (SMS)"), about=N_("by the code from the SMS"), sign_in=False),
    Service(
        slug="summons",
        group="summons",
        icon="envelope-open",
        name=N_("Reading a summons or notice"),
        about=N_("by login and password"),
        sign_in=False,
    ),
    Service(slug="notice", group="summons", icon="files", name=N_("Court documents of a notice"), about=N_("the attached documents")),
    Service(slug="search", group="cases", icon="search", name=N_("Search of court cases"), about=N_("cases of this court now")),
    Service(slug="hearings", group="cases", icon="calendar3", name=N_("Hearing lists"), about=N_("day, time and hall"), sign_in=False),
    Service(slug="calendar", group="cases", icon="calendar-check", name=N_("Participant's calendar"), about=N_("hearings and terms")),
    Service(slug="materials", group="cases", icon="journal-text", name=N_("Module «Tanysu»"), about=N_("materials of a case")),
    Service(
        slug="acts", group="acts", icon="bank", name=N_("Bank of court acts"), about=N_("acts that have entered into force"), sign_in=False
    ),
    Service(
        slug="act-check",
        group="acts",
        icon="shield-check",
        name=N_("Checking that a court act is genuine"),
        about=N_("by the case number or a QR code"),
        sign_in=False,
    ),
    Service(slug="letters", group="contact", icon="envelope", name=N_("My letters"), about=N_("a letter to the court and its answer")),
    Service(
        slug="reception", group="contact", icon="person-lines-fill", name=N_("Personal reception"), about=N_("with the heads of the court")
    ),
    Service(
        slug="chat", group="contact", icon="chat-dots", name=N_("Online conversation"), about=N_("between the parties, before the hearing")
    ),
    Service(
        slug="survey",
        group="contact",
        icon="clipboard-check",
        name=N_("Outside assessment survey"),
        about=N_("anonymous, 10 questions"),
        sign_in=False,
    ),
)


def find(slug: str) -> Service | None:
    """Return the service at this address, or None."""
    return next((service for service in SERVICES if service.slug == slug), None)


def built() -> tuple[Service, ...]:
    """Return the services that work."""
    return tuple(service for service in SERVICES if service.endpoint)
