"""What the HTTP library has to say, as our own log lines: its own show what strangers sent, tokens and line ends included."""

import logging

import structlog
from aiohttp.http_exceptions import HttpProcessingError

log = structlog.get_logger()


class HttpLog(logging.Handler):
    """Takes the library's records."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a failure of the library; of what was no HTTP only that it was none, and only for who looks closely."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            log.debug("request_unreadable", kind=type(error).__name__)
        elif record.levelno >= logging.WARNING:
            log.error("http_failed", reason=str(record.msg), exc_info=error)


def http_logger() -> logging.Logger:
    """Return the logger for the library to write to."""
    logger = logging.getLogger(__name__)
    logger.handlers, logger.propagate = [HttpLog()], False
    logger.setLevel(logging.DEBUG)
    return logger
