"""The settings of a node; see `common.config` for where they come from. Prefix in the environment: SOT_EDGE_."""

from typing import Annotated, Literal

import msgspec

from common.config import LogLevel, Threads, Url
from sync.media import MEDIA, Media

INTERVAL_SECONDS_MIN = 5
ALARM_HOURS = 72
"""A talon promises the central register within three days (`edge.services.talons.REGISTER_MS`); what is later is an alarm."""


class EdgeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``data``: folder of this node. ``high_water``: file of the high-water mark, best on another disk; default inside
    ``data``. ``interval_seconds``: between exchanges. ``surface``: "kiosk" (idle warning, large) or "home".
    ``keep_files_days``: after so many days a file that the centre has confirmed is let go of and fetched again when somebody
    opens it; 0 keeps all. ``host_key``: file of the key that wraps the keys of drafts, as systemd-creds gives it to the unit;
    default: made inside ``data``. ``alarm_hours``: after so long without R1 a filing is an alarm. ``sticks``: where inserted
    media are mounted (`sync.media`). ``office``: where people find the office («1-қабат, 104-бөлме»).
    ``tls_proxy``: a TLS proxy stands in front, and what it says of the client is believed."""

    data: str = "run/edge"
    listen: str = "127.0.0.1:8001"
    centre: Url = "http://127.0.0.1:8000"
    high_water: str = ""
    interval_seconds: Annotated[int, msgspec.Meta(ge=INTERVAL_SECONDS_MIN)] = 60
    keep_files_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    sticks: Media = MEDIA
    office: str = ""
    host_key: str = ""
    alarm_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = ALARM_HOURS
    surface: Literal["kiosk", "home"] = "kiosk"
    tls_proxy: bool = False
    threads: Threads = 8
    log_level: LogLevel = "INFO"
