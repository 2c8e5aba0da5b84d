"""The schedule of a running program, by APScheduler: every job is short, coalesced, and may run twice without harm."""

from apscheduler.schedulers.background import BackgroundScheduler

from common.dialect import Database

LOG_SECONDS = 600
"""How often the database's own log is emptied."""


def make_schedule(database: Database) -> BackgroundScheduler:
    """Return a schedule that is not started yet, with what every program does for its ``database``; the caller adds its jobs."""
    schedule = BackgroundScheduler(
        timezone="UTC",  # no daylight saving to jump over
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    schedule.add_job(database.empty_log, "interval", seconds=LOG_SECONDS, id="log")
    return schedule
