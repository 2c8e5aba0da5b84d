"""Whether the disk under a folder is encrypted by the operating system: asked at start, said to the operator, never required.

The kernel tells it without any right: /sys/dev/block has a link for each block device, dm/uuid of a LUKS or plain dm-crypt
device begins with CRYPT-, and slaves/ leads to what a logical volume or an array lies on (Documentation/ABI/stable/sysfs-block).
"""

import os
from pathlib import Path
from typing import Literal

Encryption = Literal["encrypted", "plain", "unknown"]
CRYPT = "CRYPT-"
DEPTH_MAX = 8
"""Layers of device mapper and arrays; real machines have two or three."""


def encryption_of(folder: Path, *, sys: Path = Path("/sys"), mounts: Path = Path("/proc/self/mountinfo")) -> Encryption:
    """Return whether everything ``folder`` lies on is encrypted; "unknown" where the kernel does not say (containers, networks)."""
    try:
        device = _device(os.stat(folder).st_dev, mounts)
        block = sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
        return _judge(block.resolve(strict=True), DEPTH_MAX)
    except OSError:
        return "unknown"


def _device(number: int, mounts: Path) -> int:
    """Return the block device of a mounted file system: btrfs and its like give files a number of their own (proc(5), mountinfo)."""
    if os.major(number) != 0:
        return number
    wanted = f"{os.major(number)}:{os.minor(number)}"
    for line in mounts.read_text("utf-8", "replace").splitlines():
        before, _, after = line.partition(" - ")
        if before.split(" ")[2:3] == [wanted] and len(after.split(" ")) > 1:
            return os.stat(after.split(" ")[1]).st_rdev
    return number


def _judge(block: Path, depth: int) -> Encryption:
    uuid = block / "dm" / "uuid"
    if uuid.exists() and uuid.read_text("ascii", "replace").startswith(CRYPT):
        return "encrypted"
    below = sorted((block / "slaves").iterdir()) if (block / "slaves").exists() else []
    if not below or not depth:
        return "plain"
    return "encrypted" if all(_judge(each.resolve(), depth - 1) == "encrypted" for each in below) else "plain"
