"""What the centre does by itself beside folding, driven by APScheduler: it asks the certification centre's services."""

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from central.centre import Centre
from central.services.authority import Authority

ROUND_SECONDS = 60

logging.getLogger("apscheduler").setLevel(logging.WARNING)  # not a line for every round


def start(centre: Centre, leads: Callable[[], bool] = lambda: True) -> BackgroundScheduler:
    """Start the schedule of a centre; the caller shuts it down. Of several processes the one that ``leads`` asks the services."""
    authority = Authority(centre)
    scheduler = BackgroundScheduler(
        timezone="UTC",  # no daylight saving to jump over
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(lambda: authority.round() if leads() else None, "interval", seconds=ROUND_SECONDS, id="authority")
    if centre.database.shared:  # what another process fetched or was given
        scheduler.add_job(centre.trust.refresh, "interval", seconds=ROUND_SECONDS, id="trust")
    scheduler.start()
    return scheduler
