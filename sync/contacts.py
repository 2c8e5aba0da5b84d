"""What machines last said of themselves at the centre, and the tokens by which a clone gives itself away (PROTOCOL 6.11, 6.12)."""

from common.db import BlobField, IntegerField, Table, TextField


class ContactRow(Table):
    """What a machine last said of itself, and the tokens by which a clone gives itself away."""

    node = IntegerField(primary_key=True)
    contact_ms = IntegerField()
    epoch = IntegerField()
    seq = IntegerField()
    clock_ms = IntegerField()
    backlog = IntegerField()
    backlog_bytes = IntegerField()
    oldest_ms = IntegerField()
    disk_free = IntegerField()
    quarantine = IntegerField()
    version = TextField()
    token = BlobField()
    token_before = BlobField()
    nonce = BlobField()
    challenge = BlobField()
    state = TextField()
    alarm_ms = IntegerField(null=True)

    class Meta:
        table_name = "contact"


NOTE_CONTACT = """
INSERT INTO contact (node, contact_ms, epoch, seq, clock_ms, backlog, backlog_bytes, oldest_ms, disk_free,
  quarantine, version, token, token_before, nonce, challenge, state, alarm_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?17, ?15, ?16)
ON CONFLICT (node) DO UPDATE SET contact_ms = ?2, epoch = ?3, seq = ?4, clock_ms = ?5, backlog = ?6, backlog_bytes = ?7,
  oldest_ms = ?8, disk_free = ?9, quarantine = ?10, version = ?11, token = ?12, token_before = ?13, nonce = ?14,
  challenge = ?17, state = ?15, alarm_ms = COALESCE(?16, contact.alarm_ms)
"""
READ_NAMES = ("epoch", "token", "token_before", "nonce", "challenge", "state")
READ_CONTACT = f"SELECT {', '.join(READ_NAMES)} FROM contact WHERE node = ?"
"""Written out: every idle exchange of every court asks twice, and building the question anew costs more than all the rest of it."""
