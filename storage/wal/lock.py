"""The lock has moved."""

from storage.lock import Lock as Lock
