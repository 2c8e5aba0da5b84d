"""Authorities and keys of our own, made once for all tests."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from old_keys import OldKey, old_person, old_root
from pki_samples import NOVEMBER_MS

from common.pki.authority import Authority, issue_node_certificate, self_signed_ca
from common.pki.keystore import Key, key_from_ec

HOUR_MS = 3_600_000


@pytest.fixture(scope="session")
def authorities() -> dict[str, Authority]:
    return {
        name: Authority.create(name, f"СЫНАҚ {name}", at_ms=NOVEMBER_MS - HOUR_MS) for name in ("gost512", "gost256", "rsa2048", "p256")
    }


@pytest.fixture(params=["gost512", "gost256", "rsa2048", "p256"])
def authority(request: pytest.FixtureRequest, authorities: dict[str, Authority]) -> Authority:
    return authorities[request.param]


@pytest.fixture(scope="session")
def keys(authorities: dict[str, Authority]) -> dict[str, Key]:
    return {
        name: one.issue_person("АХМЕТОВА", "АЙГҮЛ", "СЕРІКҚЫЗЫ", "900101400018", not_before_ms=NOVEMBER_MS - HOUR_MS)
        for name, one in authorities.items()
    }


@pytest.fixture(scope="session")
def root_of_2004() -> OldKey:
    return old_root()


@pytest.fixture(scope="session")
def all_keys(keys: dict[str, Key], root_of_2004: OldKey) -> dict[str, Key]:
    """The keys of today and one of GOST 34.310-2004, which signs in tests alone."""
    return {**keys, "gost2004": old_person(root_of_2004)}


@pytest.fixture(params=["gost512", "gost256", "rsa2048", "p256"])
def key(request: pytest.FixtureRequest, keys: dict[str, Key]) -> Key:
    return keys[request.param]


@pytest.fixture(scope="session")
def node_key() -> Key:
    ca, private = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = self_signed_ca(ca, "ТІЗІЛІМ", NOVEMBER_MS - HOUR_MS, 3650)
    certificate = issue_node_certificate(ca, root, private.public_key(), "node 7", 7, NOVEMBER_MS - HOUR_MS, NOVEMBER_MS + 9 * HOUR_MS)
    return key_from_ec(private, certificate)
