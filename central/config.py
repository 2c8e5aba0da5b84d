"""The settings of the centre; see `common.config` for where they come from. Prefix in the environment: SOT_CENTRAL_."""

from typing import Annotated

import msgspec

from common.config import LogLevel, Threads, Urls
from common.pki.timestamps import POLICY_GOST_2015
from sync.media import MEDIA, Media

BUCKET = r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?$"
Store = Annotated[str, msgspec.Meta(pattern=BUCKET)]
"""Bucket and prefix of an S3-compatible store, without a word of keys; empty for none."""
Place = Annotated[str, msgspec.Meta(pattern=rf"({BUCKET})|(^/[^\x00]+$)")]
"""The same, or the full path of a folder."""


class CentralConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``data``: folder of the centre. ``tls_proxy``: a TLS proxy stands in front, and what it says of the client is believed.
    ``blobs``: the S3-compatible store of whole files, ``s3://bucket/prefix``, whose endpoint and keys are taken from the
    environment (`central.bucket`); default: in ``data``. ``tiles``: where the public log is published as objects, such a
    store or a folder (`central.services.public_log`); empty: at the centre's own address alone. ``sticks``: where inserted
    media are mounted (`sync.media`).

    ``database``: empty for the file centre.db in ``data``, or a PostgreSQL server as postgresql://user@host/name, which
    several processes share (`common.postgres`); with ``database_standby`` nothing is written while it has no synchronous
    standby. ``front_end``: answer only; folding and the schedule are left to another process.

    The services of the national certification centre, asked on schedule; an empty value switches one off: ``crl`` and
    ``crl_delta`` (addresses of revocation lists, separated by spaces), ``ocsp``, ``tsa`` with ``tsa_policy``.
    """

    data: str = "run/centre"
    database: str = ""
    database_standby: bool = False
    front_end: bool = False
    listen: str = "127.0.0.1:8000"
    tls_proxy: bool = False
    blobs: Store = ""
    tiles: Place = ""
    sticks: Media = MEDIA
    threads: Threads = 8
    log_level: LogLevel = "INFO"
    crl: Urls = (
        "http://crl.pki.gov.kz/nca_gost_2022.crl http://crl.pki.gov.kz/nca_rsa_2022.crl "
        "http://crl.root.gov.kz/gost2015_2022.crl http://crl.root.gov.kz/rsa2020.crl"
    )
    crl_delta: Urls = "http://crl.pki.gov.kz/nca_d_gost_2022.crl http://crl.pki.gov.kz/nca_d_rsa_2022.crl"
    ocsp: Urls = "http://ocsp.pki.gov.kz"
    tsa: Urls = "http://tsp.pki.gov.kz"
    tsa_policy: str = POLICY_GOST_2015
