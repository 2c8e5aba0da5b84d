"""The tables of filings: written by the fold of `filings` alone, read through `filing_lists`.

Times are ms UTC, money tiyn, hashes raw; ``position`` counts from 0 within a filing.
"""

from common.court.events import EventTable
from common.db import BlobField, BooleanField, CompositeKey, IntegerField, Table, TextField


class FilingRow(Table):
    """One filing as lists need it. ``node``, ``epoch``, ``seq``, ``leaf`` are those of its submission.

    ``court`` holds it now, ``first_court`` was addressed. ``revocation``, ``payment``, ``address``: the newest result of the
    centre's check, empty where none came; ``revoked_ms``: since when the filer's key is revoked, after the signing too;
    ``stamped_ms``: the moment of the timestamp over the signature. ``ruling``: what a judge ruled on acceptance (R4), empty while
    nobody has. ``likeness`` is equal for two filings of one content.
    """

    IN_ORDER = True  # `central.services.verification` goes on where it was

    obj = BlobField(primary_key=True)
    talon = TextField(index=True)
    court = TextField()
    first_court = TextField()
    region = TextField()
    document_type = TextField()
    instance = TextField()
    proceedings = TextField()
    category = TextField()
    nature = TextField()
    language = TextField()
    person = TextField()
    filer_name = TextField()
    filer_iin = TextField()
    filer_bin = TextField()
    certificate = BlobField()
    assisted_by = TextField()
    witnessed = BooleanField()
    submitted_ms = IntegerField()
    received_ms = IntegerField()
    line = TextField()
    offline_since_ms = IntegerField(null=True)
    node = IntegerField()
    epoch = IntegerField()
    seq = IntegerField()
    leaf = BlobField()
    key_id = BlobField(index=True)
    answers_to = BlobField(null=True)
    likeness = BlobField(index=True)
    status = TextField()
    number = TextField(index=True)
    case_obj = BlobField(null=True)
    decided_ms = IntegerField(null=True)
    ruling = TextField()
    ruled_ms = IntegerField(null=True)
    claim_tiyn = IntegerField()
    duty_tiyn = IntegerField()
    duty_way = TextField()
    exemption = TextField()
    crl_as_of_ms = IntegerField(null=True)
    crl_stale = BooleanField()
    revocation = TextField()
    revoked_ms = IntegerField(null=True)
    stamped_ms = IntegerField(null=True)
    payment = TextField()
    address = TextField()
    files = IntegerField()
    total_bytes = IntegerField()
    statement_sha256 = BlobField()
    statement_size = IntegerField()
    statement_pages = IntegerField()

    class Meta:
        indexes = ((("person", "submitted_ms"), False), (("court", "status", "submitted_ms"), False))


class FilingFormRow(Table):
    """What only the page of one filing needs: ``claim``, ``findings`` and ``witness`` (null without one) are canonical CBOR."""

    obj = BlobField(primary_key=True)
    claim = BlobField()
    findings = BlobField()
    rule_pack = TextField()
    witness = BlobField()
    signature = BlobField()
    signed = BlobField()


class FilingPartyRow(Table):
    """One participant."""

    obj = BlobField()
    position = IntegerField()
    role = TextField()
    name = TextField()
    kind = TextField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


class FilingSignerRow(Table):
    """One party who signed the statement beside the filer, in the order of signing; ``signature`` is the CMS.

    ``revocation``, ``revoked_ms`` and ``stamped_ms`` say of this signature what those of `FilingRow` say of the filer's.
    """

    obj = BlobField()
    position = IntegerField()
    role = TextField()
    iin = TextField()
    bin = TextField()
    name = TextField()
    certificate = BlobField()
    signature = BlobField()
    revocation = TextField()
    revoked_ms = IntegerField(null=True)
    stamped_ms = IntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("obj", "position")


class FilingFileRow(Table):
    """One attached file."""

    obj = BlobField()
    position = IntegerField()
    title = TextField()
    kind = TextField()
    media = TextField()
    pages = IntegerField()
    size = IntegerField()
    sha256 = BlobField(index=True)

    class Meta:
        primary_key = CompositeKey("obj", "position")


class FilingEventRow(EventTable):
    """One step of the dynamics."""


class FilingEvidenceRow(Table):
    """One piece of evidence about a signature of the statement; ``kind``: timestamp, ocsp; ``signer`` as in the entry."""

    obj = BlobField()
    position = IntegerField()
    signer = IntegerField()
    kind = TextField()
    at_ms = IntegerField()
    data = BlobField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


class FilingDecisionRow(Table):
    """One signed decision of a court: the text, the CMS over it and the certificate's hash; ``position`` is its event's."""

    obj = BlobField()
    position = IntegerField()
    kind = TextField()
    court = TextField()
    date = TextField()
    executor = TextField()
    note = TextField()
    cure_until = TextField()
    redirected_to = TextField()
    content = BlobField()
    signature = BlobField()
    certificate = BlobField()

    class Meta:
        primary_key = CompositeKey("obj", "position")


class FilingGroundRow(Table):
    """One ground of a refusal or a redirection; ``decision`` is the position of the decision."""

    obj = BlobField()
    decision = IntegerField()
    position = IntegerField()
    code = TextField()
    article = TextField()
    text_kk = TextField()
    text_ru = TextField()
    cure = BooleanField()

    class Meta:
        primary_key = CompositeKey("obj", "decision", "position")


TABLES: tuple[type[Table], ...] = (
    FilingRow,
    FilingFormRow,
    FilingPartyRow,
    FilingSignerRow,
    FilingFileRow,
    FilingEventRow,
    FilingEvidenceRow,
    FilingDecisionRow,
    FilingGroundRow,
)
