"""Drafts: nobody else's, nothing lost as typed, unreadable at rest, gone when erased."""

import io
from pathlib import Path

import msgspec
import pytest

from common.court.claim import Claim
from common.errors import Corrupt, NotFound, Refused
from edge.node import Node
from edge.services import drafts, vault
from edge.services.draft_content import DAY_MS, LIFE_DAYS, Draft, accepted, replace_claim
from edge.visitor import Visitor
from tests.court import Court

AIGUL = Visitor("850312400127", "850312400127", "", "СӘРСЕНОВА АЙГҮЛ МАРАТҚЫЗЫ", b"", "password")
BOLAT = Visitor("900101300123", "900101300123", "", "АХМЕТОВ БОЛАТ", b"", "password")
FIRM = Visitor("120340001234", "850312400127", "120340001234", "«ДАЛА» ЖШС", b"", "key")
ALMA = Visitor("120340001234", "920202400222", "120340001234", "«ДАЛА» ЖШС", b"", "key")
SECRET = "құпия мән-жай"


@pytest.fixture
def node(tmp_path: Path) -> Node:
    court = Court(tmp_path)
    court.publish_reference()
    made = court.node("kz-7")
    drafts.create(made)
    return made


def begin(node: Node, who: Visitor = AIGUL) -> Draft:
    return drafts.begin(node, who, Claim(proceedings="claim", circumstances=SECRET))


@pytest.mark.parametrize("other", [BOLAT, FIRM])
def test_a_draft_is_its_authors_alone(node: Node, other: Visitor) -> None:
    draft = begin(node)
    for act in (
        lambda: drafts.find(node, other, draft.id),
        lambda: drafts.erase(node, other, draft.id),
        lambda: drafts.change(node, other, draft.id, lambda content: content),
        lambda: drafts.store_file(node, other, draft.id, b"x"),
        lambda: drafts.by_code(node, other, draft.code),
    ):
        with pytest.raises(NotFound):
            act()
    assert drafts.of_author(node, other) == []
    assert drafts.find(node, AIGUL, draft.id).claim.circumstances == SECRET


def test_a_colleague_does_not_see_the_draft_of_the_organisation(node: Node) -> None:
    draft = begin(node, FIRM)
    with pytest.raises(NotFound, match="draft.none"):
        drafts.find(node, ALMA, draft.id)
    assert [each.id for each in drafts.of_author(node, FIRM)] == [draft.id]


def test_every_field_is_kept_as_typed_whatever_it_says(node: Node) -> None:
    draft = begin(node)
    drafts.keep_typed(node, AIGUL, draft.id, "payment", {"claim_amount": "екі миллион\0"}, lambda claim: claim)
    again = drafts.find(node, AIGUL, draft.id)
    assert again.content.typed == {"payment": {"claim_amount": "екі миллион"}}
    done = drafts.change(node, AIGUL, draft.id, lambda content: accepted(content, "payment", content.claim))
    assert done.content.typed == {}


def test_a_form_over_its_limit_is_refused_and_the_draft_stays(node: Node) -> None:
    draft = begin(node)
    with pytest.raises(Refused, match="claim.long"):
        drafts.change(node, AIGUL, draft.id, lambda content: replace_claim(content, circumstances="а" * 9_000))
    huge = {str(page): {"text": "ә" * drafts.TYPED_CHARS_MAX} for page in range(8)}
    with pytest.raises(Refused, match="draft.large"):
        drafts.change(node, AIGUL, draft.id, lambda content: msgspec.structs.replace(content, typed=huge))
    assert drafts.find(node, AIGUL, draft.id).content == draft.content


def test_the_code_finds_the_draft_of_its_author(node: Node) -> None:
    draft = begin(node)
    assert drafts.by_code(node, AIGUL, f" {draft.code} ").id == draft.id
    with pytest.raises(Refused, match="draft.code"):
        drafts.by_code(node, AIGUL, "4715-20")
    wrong = f"{(int(draft.content.code) + 1) % 10**8:08}"
    with pytest.raises(NotFound, match="draft.code_unknown"):
        drafts.by_code(node, AIGUL, wrong)


def test_nothing_of_it_lies_open_on_the_disk(node: Node) -> None:
    draft = begin(node)
    data = SECRET.encode() * 50_000
    name = drafts.store_file(node, AIGUL, draft.id, data)
    drafts.change(node, AIGUL, draft.id, lambda content: msgspec.structs.replace(content, files={"aa": name}))
    assert drafts.read_file(node, AIGUL, draft.id, name) == data
    for path in node.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert SECRET.encode() not in content, path.name
            assert AIGUL.iin.encode() not in content, path.name
    assert (node.data / "host.key").stat().st_mode & 0o777 == 0o600


def test_erasing_takes_the_key_the_content_and_the_files(node: Node) -> None:
    draft = begin(node)
    name = drafts.store_file(node, AIGUL, draft.id, b"file")
    drafts.change(node, AIGUL, draft.id, lambda content: msgspec.structs.replace(content, files={"aa": name}))
    sealed = node.database.connection().execute("SELECT sealed FROM draft").fetchall()[0][0]
    wrapped = node.database.connection().execute("SELECT wrapped FROM draft_key").fetchall()[0][0]
    drafts.erase(node, AIGUL, draft.id)
    with pytest.raises(NotFound):
        drafts.find(node, AIGUL, draft.id)
    assert not (node.data / "drafts" / draft.id.hex()).exists()
    node.database.empty_log()
    everything = b"".join(path.read_bytes() for path in node.data.rglob("*") if path.is_file())
    assert wrapped not in everything
    assert sealed[:64] not in everything


def test_a_key_of_another_machine_opens_nothing(node: Node) -> None:
    draft = begin(node)
    (node.data / "host.key").write_bytes(bytes(32))
    with pytest.raises(NotFound):  # even whose it is cannot be told
        drafts.find(node, AIGUL, draft.id)
    (node.data / "host.key").write_bytes(b"short")
    with pytest.raises(Corrupt, match="draft.host_key"):
        drafts.find(node, AIGUL, draft.id)


def test_a_draft_lives_for_its_days_and_is_swept(node: Node, tmp_path: Path) -> None:
    old = begin(node)
    drafts.store_file(node, AIGUL, old.id, b"file")
    node.clock.tick(LIFE_DAYS * DAY_MS - 1)  # type: ignore[attr-defined]
    young = begin(node)
    assert drafts.purge(node) == 0
    node.clock.tick(2)  # type: ignore[attr-defined]
    lost = node.data / "drafts" / ("ab" * 16)
    lost.mkdir(parents=True)
    assert drafts.purge(node) == 1
    assert [draft.id for draft in drafts.of_author(node, AIGUL)] == [young.id]
    assert not lost.exists(), "files without a key are noise"
    assert not (node.data / "drafts" / old.id.hex()).exists()


def test_nobody_fills_the_machine_with_drafts(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(drafts.DRAFTS_MAX):
        last = begin(node)
    with pytest.raises(Refused, match="draft.many"):
        begin(node)
    monkeypatch.setattr(drafts, "FILES_BYTES_MAX", 10)
    with pytest.raises(Refused, match="draft.files"):
        drafts.store_file(node, AIGUL, last.id, bytes(11))


@pytest.mark.parametrize("size", [0, 1, vault.CHUNK_BYTES, vault.CHUNK_BYTES + 1, 3 * vault.CHUNK_BYTES])
def test_a_sealed_file_comes_back_whole(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    vault.write_sealed(tmp_path / "f", io.BytesIO(data[:size]), bytes(32))
    assert b"".join(vault.read_sealed(tmp_path / "f", bytes(32))) == data[:size]


def test_a_sealed_file_that_was_cut_swapped_or_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    vault.write_sealed(path, io.BytesIO(b"a" * vault.CHUNK_BYTES * 2 + b"b"), bytes(32))
    whole = path.read_bytes()
    piece = vault.CHUNK_BYTES + vault.TAG_BYTES
    for damaged in (
        whole[:piece],
        whole[: 2 * piece],
        whole[piece : 2 * piece] + whole[:piece] + whole[2 * piece :],
        whole[:-1] + b"\0",
        b"",
    ):
        path.write_bytes(damaged)
        with pytest.raises(Corrupt, match="draft.file"):
            list(vault.read_sealed(path, bytes(32)))
    path.write_bytes(whole)
    path.rename(tmp_path / "g")  # a file under another name is another file
    with pytest.raises(Corrupt, match="draft.file"):
        list(vault.read_sealed(tmp_path / "g", bytes(32)))


def test_the_key_of_the_machine_may_lie_elsewhere_and_is_never_made_there(tmp_path: Path) -> None:
    credential = tmp_path / "credentials" / "host.key"
    with pytest.raises(Corrupt, match="draft.host_key"):
        vault.Vault(tmp_path, str(credential))
    credential.parent.mkdir()
    credential.write_bytes(b"k" * 31)
    with pytest.raises(Corrupt, match="draft.host_key"):
        vault.Vault(tmp_path, str(credential))
    credential.write_bytes(b"k" * vault.KEY_BYTES)
    key, wrapped = vault.Vault(tmp_path, str(credential)).new_key(b"draft")
    assert vault.Vault(tmp_path, str(credential)).open_key(wrapped, b"draft") == key
    assert not (tmp_path / vault.HOST_KEY_FILE).exists()
    with pytest.raises(Corrupt, match="draft.key"):
        vault.Vault(tmp_path).open_key(wrapped, b"draft")
