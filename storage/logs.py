"""How both processes write their own log lines: one event with fields a line, on standard error."""

import logging
import sys
from typing import Literal

import structlog

Format = Literal["json", "text"]


def configure_logs(level: str, form: Format) -> None:
    """Set up structlog for this process. Both forms escape control characters: strangers write some of the values."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
