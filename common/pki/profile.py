"""The national profile: what the identifiers in a certificate mean, and how a page says it (PKI.md, 2; root.gov.kz/oid).

Of a purpose two things are read: whose certificate it is and what its holder may do for the organisation. The storage says
where the key lives, the identification how the holder proved who they are when the key was issued.
"""

from common.errors import N_

PERSON = "1.2.398.3.3.4.1.1"
ORGANISATION = "1.2.398.3.3.4.1.2"
KEY_STORAGE_EXTENSION = "1.2.398.3.3.5"
TIME_STAMPING, OCSP_SIGNING = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"  # RFC 3161, 2.3; RFC 6960, 4.2.2.2

ROLE_OIDS = {
    PERSON: ("person",),
    "1.2.398.3.3.4.1.1.1": ("person", "information_system"),
    ORGANISATION: ("organisation",),
    "1.2.398.3.3.4.1.2.1": ("organisation", "head"),
    "1.2.398.3.3.4.1.2.2": ("organisation", "right_to_sign"),
    "1.2.398.3.3.4.1.2.3": ("organisation", "financial"),
    "1.2.398.3.3.4.1.2.4": ("organisation", "staff_records"),
    "1.2.398.3.3.4.1.2.5": ("organisation", "employee"),
    "1.2.398.3.3.4.1.2.6": ("organisation", "information_system"),
    "1.2.398.5.19.1.2.2.1": ("organisation", "treasury"),
}
STORAGE_OIDS = {
    f"{KEY_STORAGE_EXTENSION}.{number}": name
    for number, name in (
        ("1.1", "file"),
        ("1.2", "java_file"),
        ("2.1", "id_card"),
        ("2.2", "kaztoken"),
        ("2.3", "etoken_java"),
        ("2.4", "etoken_5110"),
        ("2.5", "jacarta"),
        ("2.6", "akey"),
        ("2.7", "sim"),
        ("3.1", "cloud"),
    )
}
IDENTIFICATION_OIDS = {
    "1.2.398.3.3.4.3.1": "in_person",
    "1.2.398.3.3.4.3.2": "remote",
    "1.2.398.3.3.4.3.2.1": "digital_id",
    "1.2.398.3.3.4.3.2.2": "ai_platform",
}

# What people read. The first of a certificate's roles in this order is the one to show.
ROLE_WORDS = {
    "head": N_("head of the organisation"),
    "right_to_sign": N_("employee with the right to sign for the organisation"),
    "financial": N_("employee who signs financial documents"),
    "staff_records": N_("employee of the personnel department"),
    "treasury": N_("client of the treasury"),
    "information_system": N_("information system"),
    "employee": N_("employee of the organisation"),
    "organisation": N_("organisation"),
    "person": N_("natural person"),
}
STORAGE_WORDS = {
    "file": N_("file (.p12)"),
    "java_file": N_("file (.jks)"),
    "id_card": N_("identity card"),
    "kaztoken": "KAZTOKEN",
    "etoken_java": "eToken Java",
    "etoken_5110": "eToken 5110",
    "jacarta": "JaCarta",
    "akey": "aKey",
    "sim": N_("SIM card"),
    "cloud": N_("cloud storage of the certification centre"),
}
IDENTIFICATION_WORDS = {
    "in_person": N_("identified in person at a public service centre"),
    "remote": N_("identified remotely"),
    "digital_id": N_("identified remotely by Digital ID"),
    "ai_platform": N_("identified remotely by the AI platform"),
}
