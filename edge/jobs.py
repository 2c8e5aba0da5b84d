"""What a node does by itself, driven by APScheduler: every job is short, coalesced, and may run twice without harm."""

from apscheduler.schedulers.background import BackgroundScheduler

from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import drafts, lists, retention

TICK_SECONDS = 1
DRAFTS_SECONDS = 3_600
LISTS_SECONDS = 15
RETENTION_SECONDS = 3_600
LOG_SECONDS = 600


def start(node: Node, exchanger: Exchanger) -> BackgroundScheduler:
    """Start the schedule of a node; the caller shuts it down."""
    scheduler = BackgroundScheduler(
        timezone="UTC",  # no daylight saving to jump over
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(exchanger.tick, "interval", seconds=TICK_SECONDS, id="exchange")
    scheduler.add_job(drafts.purge, "interval", seconds=DRAFTS_SECONDS, args=[node], id="drafts")
    scheduler.add_job(lists.Taker(node).run, "interval", seconds=LISTS_SECONDS, id="lists")
    scheduler.add_job(retention.prune, "interval", seconds=RETENTION_SECONDS, args=[node], id="retention")
    scheduler.add_job(node.database.empty_log, "interval", seconds=LOG_SECONDS, id="log")
    scheduler.start()
    return scheduler
