"""What the centre does by itself beside folding, driven by APScheduler: it asks the certification centre's services."""

import logging

from apscheduler.schedulers.background import BackgroundScheduler

from central.centre import Centre
from central.services.authority import Authority

ROUND_SECONDS = 60

logging.getLogger("apscheduler").setLevel(logging.WARNING)  # not a line for every round


def start(centre: Centre) -> BackgroundScheduler:
    """Start the schedule of a centre; the caller shuts it down."""
    scheduler = BackgroundScheduler(
        timezone="UTC",  # no daylight saving to jump over
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(Authority(centre).round, "interval", seconds=ROUND_SECONDS, id="authority")
    scheduler.start()
    return scheduler
