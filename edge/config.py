"""The settings of a node; see `common.config` for where they come from. Prefix in the environment: SOT_EDGE_."""

import msgspec

from common.errors import N_, Refused

INTERVAL_SECONDS_MIN = 5


class EdgeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``data``: folder of this node. ``high_water``: file of the high-water mark, best on another disk; default inside
    ``data``. ``interval_seconds``: between exchanges. ``surface``: "kiosk" (idle warning, large) or "home".
    ``tls_proxy``: a TLS proxy stands in front, and what it says of the client is believed."""

    data: str = "run/edge"
    listen: str = "127.0.0.1:8001"
    centre: str = "http://127.0.0.1:8000"
    high_water: str = ""
    interval_seconds: int = 60
    surface: str = "kiosk"
    tls_proxy: bool = False
    threads: int = 8
    log_level: str = "INFO"


def check(config: EdgeConfig) -> EdgeConfig:
    """Return ``config``; raises Refused("config.value") naming the setting that makes no sense."""
    wrong = ""
    if config.interval_seconds < INTERVAL_SECONDS_MIN:
        wrong = "interval_seconds"
    if config.surface not in ("kiosk", "home"):
        wrong = "surface"
    if not config.centre.startswith(("http://", "https://")):
        wrong = "centre"
    if wrong:
        raise Refused("config.value", N_("The setting %(name)s has a value that cannot be used."), field=wrong, name=wrong)
    return config
