"""The routes of tracking."""

from collector.routes import Route
from collector.tracking.device import Devices
from collector.tracking.intake import Intake
from collector.tracking.pixel import Pixel
from collector.tracking.plausible import Plausible
from collector.tracking.segment import Segment
from collector.tracking.senders import Senders
from collector.tracking.track import Tracking
from collector.tracking.tracker import Tracker
from collector.tracking.visitor import Visitors


def routes(intake: Intake, senders: Senders, visitors: Visitors) -> list[Route]:
    """Return the rows of the table of routes by which events come in, and of the script that sends them."""
    return [
        *Tracking(intake, senders, visitors).routes(),
        *Devices(intake, senders).routes(),
        *Pixel(intake, senders, visitors).routes(),
        *Segment(intake, senders).routes(),
        *Plausible(intake, senders).routes(),
        *Tracker().routes(),
    ]
