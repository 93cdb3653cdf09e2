"""The statements of this package: one file each in `queries`, named after what it does."""

import functools
import importlib.resources
from typing import Any

Row = tuple[Any, ...]
"""What a statement selects."""


@functools.cache
def statement(name: str) -> str:
    """Return the text of `queries/<name>.sql`."""
    return importlib.resources.files(__package__).joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
