"""What a node does by itself, beside what every program of ours does (`common.schedule`)."""

from apscheduler.schedulers.background import BackgroundScheduler

from common.schedule import make_schedule
from edge.exchanger import Exchanger
from edge.node import Node
from edge.services import drafts, lists, retention

TICK_SECONDS = 1
DRAFTS_SECONDS = 3_600
LISTS_SECONDS = 15
RETENTION_SECONDS = 3_600


def start(node: Node, exchanger: Exchanger) -> BackgroundScheduler:
    """Start the schedule of a node; the caller shuts it down."""
    scheduler = make_schedule(node.database)
    scheduler.add_job(exchanger.tick, "interval", seconds=TICK_SECONDS, id="exchange")
    scheduler.add_job(drafts.purge, "interval", seconds=DRAFTS_SECONDS, args=[node], id="drafts")
    scheduler.add_job(lists.Taker(node).run, "interval", seconds=LISTS_SECONDS, id="lists")
    scheduler.add_job(retention.prune, "interval", seconds=RETENTION_SECONDS, args=[node], id="retention")
    scheduler.start()
    return scheduler
