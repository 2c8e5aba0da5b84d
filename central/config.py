"""The settings of the centre; see `common.config` for where they come from. Prefix in the environment: SOT_CENTRAL_."""

import msgspec

from common.config import LogLevel, Threads
from sync.media import MEDIA, Media


class CentralConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``data``: folder of the centre. ``tls_proxy``: a TLS proxy stands in front, and what it says of the client is believed.
    ``sticks``: where inserted media are mounted (`sync.media`)."""

    data: str = "run/centre"
    listen: str = "127.0.0.1:8000"
    tls_proxy: bool = False
    sticks: Media = MEDIA
    threads: Threads = 8
    log_level: LogLevel = "INFO"
