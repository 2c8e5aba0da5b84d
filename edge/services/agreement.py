"""The user agreement (REG-2): its sections as message ids; the text a person reads is in the catalogues.

A registration names the text by its version, the hash of the words in the language in which it was read and accepted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from common.court.accounts import agreement_version
from common.errors import N_


@dataclass(frozen=True, slots=True)
class Section:
    """A title and its paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


SECTIONS: Final = (
    Section(
        N_("What the cabinet is for"),
        (
            N_(
                "In the court cabinet you send papers to courts, receive their answers and follow your cases. It is free of charge. "
                "It takes no right away: you may always hand your papers to the court's office instead."
            ),
            N_("The state duty, where the law asks for it, is paid apart from the cabinet."),
        ),
    ),
    Section(
        N_("Your signing key"),
        (
            N_(
                "The court knows you by the key that the National Certification Centre of Kazakhstan issued to you. What is signed with "
                "your key counts as signed by your own hand."
            ),
            N_(
                "Give your key and its password to nobody, the court's staff included. If the key is lost or somebody has learned its "
                "password, have it revoked at the certification centre at once."
            ),
            N_(
                "The key file is opened in the machine's memory for one signature or one sign-in. The court does not store it, does not "
                "copy it and sends it nowhere."
            ),
        ),
    ),
    Section(
        N_("Organisations"),
        (
            N_(
                "An organisation is known by the BIN in the certificate. Whoever signs with the organisation's key confirms that they are "
                "entitled to act for it."
            ),
        ),
    ),
    Section(
        N_("The password of the cabinet"),
        (
            N_(
                "With the password you open the cabinet at the court where you set it; it signs nothing. The court keeps no password but "
                "a trace of it from which it cannot be read. If you forget it, set a new one with your key."
            ),
        ),
    ),
    Section(
        N_("Sending papers"),
        (
            N_(
                "A paper is sent at the moment written on the talon, also when the court has no line to the central register. The talon "
                "is not a registration: the court registers the paper or refuses with its reasons within the term of the law, and you "
                "find the answer in the cabinet."
            ),
            N_(
                "You answer for the truth of what you write and of the copies you attach. Files with harmful programs, somebody else's "
                "papers sent as your own and insults are not allowed; the law sets the liability for them."
            ),
        ),
    ),
    Section(
        N_("When there is no line"),
        (
            N_(
                "What you send is kept in the court and goes to the register by itself when the line is back. News from other courts may "
                "arrive late: each page says as of when its data are."
            ),
        ),
    ),
    Section(
        N_("Your personal data"),
        (
            N_(
                "The courts process your IIN or BIN, name, e-mail, language and certificate, the papers you send and what was done with "
                "them. They do it to consider your papers, as the laws of the Republic of Kazakhstan demand, and for nothing else."
            ),
            N_(
                "The data lie in the courts' machines and in the central register. They are seen by you, by the participants of your "
                "cases as far as the law of procedure allows, and by the staff of the courts concerned. Your e-mail is not shown to other "
                "participants."
            ),
            N_(
                "You may ask the court which data it has about you and have mistakes corrected. Papers of a case are kept as long as the "
                "rules of court archives say."
            ),
            N_("On a machine that others use too, press «Finish and erase» before you leave."),
        ),
    ),
    Section(
        N_("Changes of this text"),
        (
            N_(
                "When this text changes, the cabinet shows you the new one and asks again. The version you accepted is written into the "
                "statement that you sign on registration."
            ),
        ),
    ),
)


def sections(translate: Callable[[str], str]) -> tuple[Section, ...]:
    """Return the agreement in the language of ``translate``."""
    return tuple(Section(translate(each.title), tuple(map(translate, each.paragraphs))) for each in SECTIONS)


def version(translate: Callable[[str], str]) -> str:
    """Return the version of the agreement in the language of ``translate``."""
    lines = [line for each in sections(translate) for line in (each.title, *each.paragraphs)]
    return agreement_version("\n".join(lines))
