"""Which named files are not at this machine, known without looking among all that ever were: an exchange after years costs what the
first one did.

``absent`` may hold more than is missing (a file of an entry that was erased), never less: triggers see every way in which a
name comes, a file goes, or one that was let go of is wanted again. What is asked is joined with the tables themselves.
"""

from common.db import BlobField, CompositeKey, Database, IntegerField, Table, create_tables, fetch, transaction


class AbsentRow(Table):
    sha256 = BlobField()
    size = IntegerField()

    class Meta:
        table_name = "absent"
        primary_key = CompositeKey("sha256", "size")


MISSING = """SELECT DISTINCT r.sha256, r.size FROM {} r LEFT JOIN blob b ON b.sha256 = r.sha256 LEFT JOIN pruned p ON p.sha256 = r.sha256
             WHERE b.sha256 IS NULL AND p.sha256 IS NULL"""
FILL = f"INSERT OR IGNORE INTO absent (sha256, size) {MISSING.format('blob_ref')}"
OTHERWISE = "SELECT 1 FROM blob_ref n WHERE n.sha256 = r.sha256 AND n.size = r.size AND substr(n.media, 1, 6) NOT IN ('audio/', 'video/')"
NAMED = "SELECT 1 FROM blob_ref n WHERE n.sha256 = r.sha256 AND n.size = r.size"
ASKED = "SELECT 1 FROM requested q WHERE q.sha256 = r.sha256 UNION ALL SELECT 1 FROM damaged d WHERE d.sha256 = r.sha256"
ASK = f"""SELECT sha256, size, recorded FROM (
            SELECT r.sha256, r.size, NOT EXISTS ({OTHERWISE}) AS recorded FROM ({MISSING.format("absent")}) r WHERE EXISTS ({NAMED})) r
          WHERE NOT recorded OR EXISTS ({ASKED}) ORDER BY recorded, size, sha256"""
AGAIN = "INSERT OR IGNORE INTO absent (sha256, size) SELECT sha256, size FROM blob_ref WHERE sha256 = OLD.sha256"
TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS absent_named AFTER INSERT ON blob_ref
       WHEN NOT EXISTS (SELECT 1 FROM blob WHERE sha256 = NEW.sha256)
       BEGIN INSERT OR IGNORE INTO absent (sha256, size) VALUES (NEW.sha256, NEW.size); END""",
    f"CREATE TRIGGER IF NOT EXISTS absent_gone AFTER DELETE ON blob BEGIN {AGAIN}; END",
    f"CREATE TRIGGER IF NOT EXISTS absent_wanted AFTER DELETE ON pruned BEGIN {AGAIN}; END",
    "CREATE TRIGGER IF NOT EXISTS absent_come AFTER INSERT ON blob BEGIN DELETE FROM absent WHERE sha256 = NEW.sha256; END",
    "CREATE TRIGGER IF NOT EXISTS absent_let_go AFTER INSERT ON pruned BEGIN DELETE FROM absent WHERE sha256 = NEW.sha256; END",
)


def create(database: Database) -> None:
    """Create the table and what keeps it, and fill it where the machine was here before it."""
    if fetch(database, "SELECT 1 FROM sqlite_master WHERE name = 'absent_let_go'"):
        return
    with transaction(database):
        create_tables(database, [AbsentRow])
        fetch(database, FILL)
        for trigger in TRIGGERS:
            fetch(database, trigger)


def missing_blobs(database: Database) -> list[tuple[bytes, int, bool]]:
    """Return (SHA-256, size, whether it is a recording) of named files this machine does not hold and has not let go of, smallest
    first; recordings last, and only those that somebody asked for or that were here and got damaged (PROTOCOL 7.10)."""
    return [(sha256, size, bool(recorded)) for sha256, size, recorded in fetch(database, ASK)]
