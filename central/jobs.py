"""What the centre does by itself beside folding, by APScheduler: it asks the certification centre, and publishes the log."""

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from central.centre import Centre
from central.services import public_log
from central.services.authority import Authority
from common.schedule import make_schedule
from sync.objects import Objects

ROUND_SECONDS = 60

logging.getLogger("apscheduler").setLevel(logging.WARNING)  # not a line for every round


def start(centre: Centre, leads: Callable[[], bool] = lambda: True, tiles: Objects | None = None) -> BackgroundScheduler:
    """Start the schedule of a centre; the caller shuts it down.

    Of several processes the one that ``leads`` asks the services, and publishes the log into ``tiles`` where there is such a store.
    """
    authority = Authority(centre)
    scheduler = make_schedule(centre.database)
    scheduler.add_job(lambda: authority.round() if leads() else None, "interval", seconds=ROUND_SECONDS, id="authority")
    if tiles is not None:
        scheduler.add_job(lambda: public_log.round(centre, tiles) if leads() else None, "interval", seconds=ROUND_SECONDS, id="tiles")
    if centre.database.shared:  # what another process fetched or was given
        scheduler.add_job(centre.trust.refresh, "interval", seconds=ROUND_SECONDS, id="trust")
    scheduler.start()
    return scheduler
