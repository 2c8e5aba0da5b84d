"""Whether the disk is encrypted, told from trees as the kernel shows them."""

import os
from pathlib import Path

import pytest

from common.disks import encryption_of


def device(root: Path, name: str, *, uuid: str = "", on: tuple[str, ...] = ()) -> Path:
    """Make a block device ``name`` of the kernel's tree, lying ``on`` others."""
    block = root / "devices" / name
    (block / "slaves").mkdir(parents=True)
    if uuid:
        (block / "dm").mkdir()
        (block / "dm" / "uuid").write_text(uuid + "\n")
    for other in on:
        (block / "slaves" / other).symlink_to(root / "devices" / other)
    return block


LAYERS = {
    "partition": ("sda1", "plain"),
    "luks": ("dm-0", "encrypted"),
    "volume on luks": ("dm-1", "encrypted"),
    "volume on both": ("dm-2", "plain"),
    "volume": ("dm-3", "plain"),
}


@pytest.mark.parametrize("case", LAYERS)
def test_every_layer_below_must_be_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    name, expected = LAYERS[case]
    device(tmp_path, "sda1")
    device(tmp_path, "dm-0", uuid="CRYPT-LUKS2-abc-sot", on=("sda1",))
    device(tmp_path, "dm-1", uuid="LVM-xyz", on=("dm-0",))
    device(tmp_path, "dm-2", uuid="LVM-xyz", on=("dm-0", "sda1"))
    device(tmp_path, "dm-3", uuid="LVM-xyz", on=("sda1",))
    (tmp_path / "dev" / "block").mkdir(parents=True)
    (tmp_path / "dev" / "block" / "254:7").symlink_to(tmp_path / "devices" / name)
    found = os.stat_result((0, 0, os.makedev(254, 7), 0, 0, 0, 0, 0, 0, 0))
    true = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **given: found if path == Path("data") else true(path, **given))
    assert encryption_of(Path("data"), sys=tmp_path) == expected


def test_where_the_kernel_does_not_say_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("1 2 0:999 / / rw - overlay overlay rw\n")
    assert encryption_of(tmp_path, sys=tmp_path / "none", mounts=tmp_path / "mounts") == "unknown"
    assert encryption_of(tmp_path / "gone") == "unknown"
