"""The register on PostgreSQL, on real servers: several writers, a fail-over, a server that cannot keep what it says."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from central.centre import Centre
from central.config import CentralConfig
from common.config import load
from common.db import create_tables, fetch, insert, open_database, rows_of, transaction
from common.errors import Conflict, Corrupt, CourtError, Refused, Unreachable
from common.postgres import Postgres, dollars, open_postgres
from edge.node import Node
from sync import log
from sync.fsck import check
from tests.court import COURTS, Court, Where, open_centre
from tests.postgres import Server
from tests.sim.papers import AIGUL
from tests.unit.test_rows_of import Book

ASTANA = "kz-7"
DEPLOY = Path(__file__).parents[2] / "deploy"
FILINGS = 6


@pytest.fixture
def server() -> Iterator[Server]:
    with Where.on(Server.shared()):
        yield Server.shared()


@pytest.fixture
def court(server: Server, tmp_path: Path) -> Court:
    return Court.ready(tmp_path)


@pytest.fixture
def database(server: Server) -> Iterator[Postgres]:
    opened = open_postgres(server.fresh())
    yield opened
    opened.close()
    server.drop(opened.name)


def other_process(court: Court) -> Centre:
    """Open the register as a second process of it would: the same keys, sessions of its own."""
    other = open_centre(court.centre.config, court.clock)
    other.start()
    return other


def whole(centre: Centre) -> None:
    assert check(centre.database, centre.fold, centre.blobs, environment=centre.identity.environment) == []


def test_two_would_be_sequencers_write_one_log_that_no_reader_skips(court: Court) -> None:
    """Rows 44 and 45: two processes log at once; indexes follow each other, and whoever reads meanwhile sees no gap behind."""
    first, second = court.centre, other_process(court)
    line = {node.number: (first, second)[place % 2] for place, node in enumerate(court.nodes)}
    problems, done = list[Exception](), threading.Event()

    def send(node: Node) -> None:
        for _ in range(FILINGS):
            court.file(node, AIGUL, COURTS[node.number - 1001])
            node.client.exchange()
            line[node.number] = second if line[node.number] is first else first
        node.database.close()

    def read() -> None:
        cursor, seen = 0, list[int]()
        while not done.is_set() or cursor < log.size(second.database):
            fresh = fetch(second.database, "SELECT log_index FROM entry WHERE log_index >= ? ORDER BY log_index", (cursor,))
            seen += [index for (index,) in fresh]
            cursor = seen[-1] + 1 if seen else 0
        assert seen == list(range(len(seen)))

    def work(task: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                task()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
                problems.append(error)
            finally:
                first.database.close()
                second.database.close()

        return run

    for node in court.nodes:
        court.lines[node.number]._handle = lambda path, body, number=node.number: line[number].server.handle(path, body)  # type: ignore[misc]
    senders = [threading.Thread(target=work(lambda node=node: send(node))) for node in court.nodes]  # type: ignore[misc]
    reader = threading.Thread(target=work(read))
    for thread in (reader, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    done.set()
    reader.join()
    if problems:
        raise problems[0]
    court.settle()
    court.check()
    assert len(court.filings) == 3 * FILINGS
    whole(second)
    second.close()


def test_a_sequencer_that_stands_still_is_passed_over_and_writes_nothing_later(court: Court) -> None:
    """Row 44: a writer stops in the middle, another takes over; when the first one wakes up, its session and all it wrote are gone."""
    stalled, taken_over, said = threading.Event(), threading.Event(), list[str]()
    sleeper = other_process(court)
    size = log.size(court.centre.database)

    def stall() -> None:
        try:
            with transaction(sleeper.database):
                log.append(sleeper.database, [bytes(32)])
                fetch(sleeper.database, "SET LOCAL idle_in_transaction_session_timeout = 300")  # else as long as STALLED_MS
                stalled.set()
                taken_over.wait()
                log.append(sleeper.database, [bytes(32)])
        except CourtError as error:
            said.append(error.code)
        sleeper.database.close()

    thread = threading.Thread(target=stall)
    thread.start()
    stalled.wait()
    aktau = court.machine(1001)
    court.file(aktau, AIGUL, ASTANA)
    assert court.exchange(aktau)
    assert log.size(court.centre.database) > size
    taken_over.set()
    thread.join()
    assert said == ["db.away"]
    court.settle()
    court.check()
    sleeper.close()


def test_a_killed_session_leaves_nothing_and_the_next_one_goes_on(court: Court, server: Server) -> None:
    """Row 43: the writer's session ends before, between and after its statements; what was not acknowledged comes again, once."""
    aktau = court.machine(1001)
    name = court.centre.database.name
    for at in range(1, 20):  # the hello's notes, and then the bundle
        court.file(aktau, AIGUL, ASTANA)
        run, count = court.centre.database.run, 0

        def falling(statement: str, parameters: object = (), *, at: int = at, run: Callable[..., object] = run) -> object:
            nonlocal count
            count += court.centre.database.in_transaction()
            if count == at:
                server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            return run(statement, parameters)

        court.centre.database.run = falling
        court.exchange(aktau)
        assert count >= at, "nothing fell"
        del court.centre.database.run
        assert court.exchange(aktau)
    commit = court.centre.database.commit
    for stored in (False, True):
        court.file(aktau, AIGUL, ASTANA)

        def cut(stored: bool = stored) -> None:
            if stored:
                commit()
            court.centre.database.connection().close()
            raise psycopg.OperationalError("cut")

        court.centre.database.commit = cut
        assert not court.exchange(aktau)
        del court.centre.database.commit
        assert court.exchange(aktau)
    assert set(court.troubles) <= {"db.away", "exchange.busy"}
    court.settle()
    court.check()


def test_a_failover_to_the_standby_loses_no_acknowledged_bundle(tmp_path: Path) -> None:
    """Row 43: the primary is killed while bundles arrive; its synchronous standby takes over, and all that was acknowledged is there."""
    primary = Server.create()
    with Where.on(primary):
        court = Court.ready(tmp_path)
        name = court.centre.database.name
        court.centre.close()
        standby = primary.standby()
        address = f"postgresql:///{name}?user=sot&host={primary.folder},{standby.folder}"
        court.centre = open_centre(CentralConfig(data=str(court.centre.data), database=address, database_standby=True), court.clock)
        court.centre.start()
        stop = threading.Event()

        def send(node: Node) -> None:
            while not stop.is_set():
                court.file(node, AIGUL, COURTS[node.number - 1001])
                court.exchange(node)
            node.database.close()
            court.centre.database.close()

        threads = [threading.Thread(target=send, args=(node,)) for node in court.nodes]
        before = log.size(court.centre.database)
        for thread in threads:
            thread.start()
        while log.size(court.centre.database) < before + 3 * FILINGS:
            time.sleep(0.01)
        primary.kill()
        standby.promote()
        stop.set()
        for thread in threads:
            thread.join()
        for node in court.nodes:
            acknowledged = fetch(node.database, "SELECT acked_epoch, acked_seq FROM sync")[0]
            at = court.centre.register.peer(node.number)
            assert (at.epoch, at.seq) >= acknowledged
            statement = "SELECT leaf FROM entry WHERE chain IS NOT NULL AND log_index IS NULL AND seq <= ?"
            for (leaf,) in fetch(node.database, statement, (acknowledged[1],)):
                assert fetch(court.centre.database, "SELECT 1 FROM entry WHERE leaf = ? AND log_index IS NOT NULL", (leaf,))
        at = court.centre.register.peer(court.nodes[0].number)
        court.file(court.nodes[0], AIGUL, ASTANA)
        court.exchange(court.nodes[0])
        assert court.centre.register.peer(court.nodes[0].number) == at  # the new primary has no standby yet
        assert set(court.troubles) <= {"db.away", "db.busy", "db.no_standby", "exchange.busy"}
        standby.run("ALTER SYSTEM SET synchronous_standby_names = ''")
        court.centre.close()
        court.centre = open_centre(CentralConfig(data=str(court.centre.data), database=address), court.clock)
        court.centre.start()
        court.settle()
        court.check()
        court.centre.close()
        Where.made.clear()
    standby.remove()
    primary.remove()


def test_nothing_is_promised_while_the_standby_is_away(server: Server, database: Postgres) -> None:
    """Row 43: with ``database_standby`` a server that names no synchronous standby takes nothing."""
    create_tables(database, [Book])
    careful = open_postgres(server.address(database.name), standby=True)
    with pytest.raises(Unreachable) as caught, transaction(careful):
        pytest.fail("it went on")
    assert caught.value.code == "db.no_standby"
    assert rows_of(careful, Book.select()) == []
    careful.close()


def test_a_commit_that_did_not_wait_for_the_standby_is_not_believed(server: Server, database: Postgres) -> None:
    """Row 43: somebody cancels the wait; PostgreSQL then says "committed" with a warning, and we promise nothing on it."""
    fetch(database, "CREATE TABLE thing (id BIGINT PRIMARY KEY)")
    said = list[str]()

    def write() -> None:
        try:
            with transaction(database):
                fetch(database, "INSERT INTO thing (id) VALUES (1)")
        except CourtError as error:
            said.append(error.code)
        database.close()

    try:
        server.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        server.run("SELECT pg_reload_conf()")
        thread = threading.Thread(target=write)
        thread.start()
        while not server.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"):
            time.sleep(0.01)
        thread.join()
    finally:
        server.run("ALTER SYSTEM RESET synchronous_standby_names")
        server.run("SELECT pg_reload_conf()")
    assert said == ["db.away"]


def test_a_server_that_may_lose_what_it_says_is_refused(server: Server, database: Postgres) -> None:
    """Row 52: fsync or full pages off."""
    fetch(database, "SELECT 1")
    try:
        server.run("ALTER SYSTEM SET full_page_writes = off")
        server.run("SELECT pg_reload_conf()")
        while server.run("SHOW full_page_writes") != [("off",)]:
            time.sleep(0.01)
        with pytest.raises(Corrupt) as caught:
            open_postgres(server.address(database.name)).connection()
        assert caught.value.code == "db.not_durable"
    finally:
        server.run("ALTER SYSTEM RESET full_page_writes")
        server.run("SELECT pg_reload_conf()")


def test_errors_of_the_driver_are_ours(database: Postgres) -> None:
    create_tables(database, [Book])
    book = {"name": "a", "lent": False}
    with pytest.raises(Conflict) as caught, transaction(database):
        insert(database, Book, [book, book])
    assert caught.value.code == "db.constraint"
    fetch(database, "SET lock_timeout = 1")
    with transaction(other := open_postgres(database.database)), pytest.raises(Unreachable) as busy, transaction(database):
        pytest.fail("two writers at once")
    assert busy.value.code == "db.busy"
    other.close()
    assert rows_of(database, Book.select()) == []


def test_parameters_are_numbered_and_what_is_quoted_is_none() -> None:
    assert dollars("SELECT ?, ? FROM a WHERE b = '?' AND \"?\" = ?") == "SELECT $1, $2 FROM a WHERE b = '?' AND \"?\" = $3"
    assert dollars("SELECT ?2, ?1, ?2") == "SELECT $2, $1, $2"


def test_names_stand_in_the_same_order_on_both(database: Postgres, tmp_path: Path) -> None:
    names = ["Әлия", "Алия", "Ұлан", "Улан", "ұлан", "Қанат", "Канат", "әлия", "Іңкәр", "Ёлка", "Елка", "a", "Z", "ß", "1", "–", "😀"]
    statement = "SELECT name FROM person ORDER BY name"
    orders = []
    for opened in (database, open_database(tmp_path / "names.db")):
        opened.run('CREATE TABLE person (name TEXT COLLATE "C")' if opened.shared else "CREATE TABLE person (name TEXT)")
        opened.run_many("INSERT INTO person (name) VALUES (?)", [(name,) for name in names])
        orders.append([name for (name,) in fetch(opened, statement)])
    assert orders[0] == orders[1]


def test_the_server_too_keeps_entries_and_tiles(court: Court) -> None:
    """Row 24: what was logged is neither deleted nor changed by SQL, and a body is only erased."""
    court.file(court.machine(1001), AIGUL, ASTANA)
    court.settle()
    database = court.centre.database
    before = {table: fetch(database, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("entry", "tile")}
    for statement in (
        "DELETE FROM entry",
        "UPDATE entry SET seq = seq + 1000",
        "UPDATE entry SET envelope = envelope || '\\x00'::bytea",
        "UPDATE entry SET body = '\\x00'::bytea",
        "UPDATE entry SET log_index = log_index + 1000",
        "DELETE FROM tile",
        "UPDATE tile SET hashes = substr(hashes, 33)",
        "UPDATE tile SET hashes = hashes || '\\x00'::bytea",
    ):
        with pytest.raises(Conflict), transaction(database):
            fetch(database, statement)
    assert before == {table: fetch(database, f"SELECT * FROM {table} ORDER BY 1, 2") for table in before}


def test_one_process_folds_and_the_next_one_takes_over(server: Server, database: Postgres) -> None:
    """Row 44: the lock of who folds dies with its session, and who lost it knows."""
    other = open_postgres(database.database)
    assert database.lead()
    assert database.lead()
    assert not other.lead()
    [(pid,)] = fetch(database, "SELECT pg_backend_pid()")
    server.run(f"SELECT pg_terminate_backend({pid}, 60000)")
    assert other.lead()
    assert not database.lead()
    assert other.lead()
    other.close()


def test_a_statement_outside_a_transaction_waits_for_its_turn(database: Postgres) -> None:
    """Row 45: what one writer has not committed yet, another one's single statement does not overtake."""
    create_tables(database, [Book])
    fetch(database, "SET lock_timeout = 1")
    book = {"name": "a", "lent": False}
    with transaction(other := open_postgres(database.database)):
        for write in (
            lambda: fetch(database, "INSERT INTO book (name, lent) VALUES ('b', 0)"),
            lambda: fetch(database, " UPDATE book SET lent = 1"),
            lambda: insert(database, Book, [book]),
        ):
            with pytest.raises((Unreachable, psycopg.errors.LockNotAvailable)):
                write()
    other.close()
    insert(database, Book, [book])
    assert [row["name"] for row in rows_of(database, Book.select())] == ["a"]


def test_a_register_that_was_set_back_is_noticed_and_papers_are_taken(court: Court, server: Server) -> None:
    """Row 8: the server's database restored to yesterday; once it is brought to its true end again, everything goes on."""
    aktau = court.machine(1001)
    court.file(aktau, AIGUL, ASTANA)
    court.settle()
    config = court.centre.config
    court.centre.close()
    yesterday = server.fresh(like=str(open_postgres(config.database).name))
    court.crash_centre()
    court.file(aktau, AIGUL, ASTANA)
    assert court.exchange(aktau)
    court.centre.close()
    court.centre = open_centre(msgspec.structs.replace(config, database=yesterday), court.clock)
    court.centre.start()
    court.file(aktau, AIGUL, ASTANA)
    assert not court.exchange(aktau)
    assert court.troubles == ["log.ahead"]
    assert "register" in court.alarms(aktau)
    court.centre.close()
    court.centre = open_centre(config, court.clock)
    court.centre.start()
    court.settle()
    court.check()
    server.drop(str(open_postgres(yesterday).name))


def test_the_settings_in_deploy_are_those_of_a_centre() -> None:
    config = load(CentralConfig, DEPLOY / "central-postgresql.toml", {}, prefix="SOT_CENTRAL_")
    opened = open_postgres(config.database, standby=config.database_standby)
    assert (opened.name, config.database_standby) == ("sot", True)


def test_a_wrong_address_is_said(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        open_postgres("postgresql://a b/=")
    assert caught.value.code == "config.database"
    nobody = open_postgres(f"postgresql:///x?host={tmp_path}")
    with pytest.raises(Unreachable):
        fetch(nobody, "SELECT 1")
