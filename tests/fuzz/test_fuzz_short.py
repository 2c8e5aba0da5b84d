"""Every door under a few hundred mutations, the same every time: long runs are `make fuzz`."""

import time

import pytest

from tests.fuzz import plain
from tests.fuzz.doors import Target, enter
from tests.fuzz.targets import TABLES, TARGETS

EXECUTIONS = 250
SECONDS = 1.0  # of one target: a slow machine tries fewer
WITHOUT_A_SEED_THAT_PASSES = {"chunk", "enrol_grant"}  # a file of one name; a grant of one code: both hold once


@pytest.mark.parametrize("name", TARGETS)
def test_a_door_lets_nothing_but_ours_out(name: str) -> None:
    target = TARGETS[name]()
    assert plain.run(name, target, executions=EXECUTIONS, seconds=SECONDS, seed=20261127) > len(target.seeds)


@pytest.mark.parametrize("name", sorted(set(TARGETS) - WITHOUT_A_SEED_THAT_PASSES))
def test_a_door_takes_its_seeds(name: str) -> None:
    """A target whose seeds are refused tests the first line of its door and nothing else."""
    target = TARGETS[name]()
    for data in target.seeds:
        target.door(data)


def test_every_name_is_given_once_and_every_kept_input_has_a_target() -> None:
    assert sum(map(len, TABLES)) == len(TARGETS)
    assert {folder.name for folder in plain.CORPUS.iterdir()} <= set(TARGETS)


def test_what_comes_out_is_found() -> None:
    def falls(data: bytes) -> None:
        if b"\x80" in data:
            raise KeyError(data)

    with pytest.raises(KeyError) as found:
        plain.run("none", Target(falls, (b"seed",)), executions=5000, seconds=60, seed=1)
    assert found.value.__notes__[0].startswith("input: ")
    with pytest.raises(plain.TooSlow):
        plain.try_one(Target(lambda _: _burn(), (), seconds_max=0.001), b"")


def _burn() -> None:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass


def test_ours_stay_inside() -> None:
    enter(TARGETS["certificate"](), b"\x30")
