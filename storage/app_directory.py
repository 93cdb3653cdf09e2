"""Where the file of each application is, and how it is read, written and deleted."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from storage.app import App
from storage.errors import AppFileCorrupt
from storage.event import BUILT_IN_APP
from storage.files import make_directory, read_file, replace_file
from storage.filesystem import LOCAL
from storage.private import require_private

APP_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""What may become part of a path."""
SUFFIX = ".json"
DRAFT = re.compile(r"\..+\.tmp")
"""What a crash leaves of a file that was being written."""

_app = msgspec.json.Decoder(App)


def place(root: Path, app_code: str) -> Path:
    """Return the path of an application's file; ValueError where the app_code cannot be ours, or is the built-in one's."""
    if not APP_CODE.fullmatch(app_code) or app_code == BUILT_IN_APP:
        raise ValueError(f"{app_code!r} is not an app_code of ours")
    return root / f"{app_code}{SUFFIX}"


def read_all(root: Path) -> Iterator[App]:
    """Make the directory, or yield every application in it; drafts are deleted.

    Raises:
        AppFileCorrupt: a file is no application.
        DirectoryUnusable: others can enter the directory.
        OSError: something of it cannot be read.
    """
    make_directory(root)
    require_private(root)
    for path in list(root.iterdir()):
        if DRAFT.fullmatch(path.name):
            path.unlink()
        elif path.suffix == SUFFIX:
            yield read_app(path)


def read_app(path: Path) -> App:
    """Return the application of a file; AppFileCorrupt where it holds none, OSError where it cannot be read."""
    try:
        app = _app.decode(read_file(path))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AppFileCorrupt(f"{path}: is no application: {error}; put it back from a backup") from None
    if f"{app.app_code}{SUFFIX}" != path.name or app.app_code == BUILT_IN_APP:
        raise AppFileCorrupt(f"{path}: is of the application {app.app_code!r}; give it back its name, or move it away")
    return app


def write_first(path: Path, app: App) -> None:
    """Write a new application's file; OSError where it cannot be, and then it is not there."""
    try:
        write(path, app)
    except OSError:
        # What was not acknowledged must not come back with the next start.
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write(path: Path, app: App) -> None:
    """Write an application's file, durably; OSError where it cannot be."""
    replace_file(path, msgspec.json.encode(app))


def delete(path: Path) -> None:
    """Delete an application's file, durably; OSError where it cannot be."""
    # It is gone already where only the sync of its name failed the last time.
    path.unlink(missing_ok=True)
    LOCAL.sync_directory(path.parent)
