"""A machine on which a recording is replayed, and whose power is cut: what the files hold then (see tests/crash/disk.py)."""

import copy
import random
from pathlib import Path
from typing import NamedTuple

from tests.crash.disk import Directory, File, Node
from tests.crash.recording import OF_FILES, OF_NAMES, Call


class WrittenFile(File):
    """A file whose changes since the last sync are known one by one: a size without bytes is a truncation."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self.unsynced: list[tuple[int, bytes | None]] = []
        super().write(content, 0)
        super().sync()

    def is_overwritten(self) -> bool:
        """Return whether durable bytes were written over and the new ones may be lost."""
        return any(content is not None and at < len(self.durable) for at, content in self.unsynced)

    def write(self, content: bytes, at: int) -> None:
        self.unsynced.append((at, content))
        super().write(content, at)

    def truncate(self, size: int) -> None:
        self.unsynced.append((size, None))
        super().truncate(size)

    def sync(self) -> None:
        self.unsynced.clear()
        super().sync()

    def lose_power(self, dice: random.Random) -> None:
        """Lose what was not synced: each write as a whole, or each sector."""
        fate = dice.choice(("all", "none", "writes", "writes", "sectors"))
        if fate == "sectors":
            super().lose_power(dice)
        else:
            share = {"all": 1.0, "none": 0.0, "writes": dice.random()}[fate]
            self._keep([one for one in self.unsynced if dice.random() < share])
        self.unsynced.clear()

    def _keep(self, changes: list[tuple[int, bytes | None]]) -> None:
        self.content = bytearray(self.durable)
        for at, content in changes:
            if content is None:
                super().truncate(at)
            else:
                super().write(content, at)
        super().sync()


class Opened(NamedTuple):
    """What a descriptor stands for."""

    path: Path
    node: Node
    appends: bool


class Machine:
    """The files below `root`, durable as they are below `before`, and what a recorded process then does to them.

    A name that moves between directories is two changes: a power cut may keep both names, or none.
    """

    def __init__(self, root: Path, before: Path) -> None:
        self.root = root
        self._top = _read(before)
        self._opened: dict[int | None, Opened] = {}
        self._positions: dict[int | None, int] = {}

    def do(self, call: Call) -> bool:
        """Replay the next call; return whether it is one that changes or syncs something below `root`.

        ValueError where it is one that cannot be replayed.
        """
        opened = self._opened.get(call.descriptor)
        match call.name:
            case "openat":
                return self._open(call)
            case "close":
                self._opened.pop(call.descriptor, None)
                return False
            case name if name in OF_FILES:
                return opened is not None and self._use(opened, call)
            case _ if not (opened or any(self._is_mine(path) for path in call.paths)):
                return False
            case name if name in OF_NAMES:
                return self._name(call)
            case refused:
                raise ValueError(f"{refused} cannot be replayed")

    def cut(self, directory: Path, dice: random.Random) -> None:
        """Write what a power cut now would leave into a new directory; here everything goes on."""
        after = copy.deepcopy(self._top)
        after.lose_power(dice)
        _write(after, directory)

    def write(self, directory: Path) -> None:
        """Write what reads see into a new directory."""
        _write(self._top, directory)

    def files(self, path: Path) -> list[WrittenFile]:
        """Return the files in a directory whose names begin as the path does; none where there is no directory."""
        try:
            named = self._directory(path).names.items()
        except KeyError:
            return []
        return [node for name, node in named if name.startswith(path.name) and isinstance(node, WrittenFile)]

    def sync(self, path: Path, node: Node) -> None:
        """Make a file or directory durable that was opened under `path`."""
        node.sync()

    def _open(self, call: Call) -> bool:
        (path,) = call.paths
        if not self._is_mine(path):
            return False
        is_new = path != self.root and path.name not in self._directory(path).names
        if is_new:
            self._directory(path).change(**{path.name: WrittenFile()})
        node = self._node(path)
        is_cut = "O_TRUNC" in call.arguments and isinstance(node, WrittenFile)
        if is_cut:
            node.truncate(0)
        self._opened[call.result] = Opened(path, node, appends="O_APPEND" in call.arguments)
        self._positions[call.result] = 0
        return is_new or is_cut

    def _use(self, opened: Opened, call: Call) -> bool:
        if call.name in ("fsync", "fdatasync"):
            self.sync(opened.path, opened.node)
            return True
        file = opened.node
        assert isinstance(file, WrittenFile)
        if call.name == "ftruncate":
            file.truncate(call.at)
        elif call.name == "pwrite64":
            file.write(call.texts[0][: call.result], call.at)
        else:
            at = len(file.content) if opened.appends else self._positions[call.descriptor]
            file.write(call.texts[0][: call.result], at)
            self._positions[call.descriptor] = at + call.result
        return True

    def _name(self, call: Call) -> bool:
        path, *new = call.paths
        directory = self._directory(path)
        match call.name:
            case "mkdir":
                directory.change(**{path.name: Directory()})
            case "rename" if new[0].parent == path.parent:
                directory.change(**{path.name: None, new[0].name: directory.names[path.name]})
            case "rename":
                self._directory(new[0]).change(**{new[0].name: directory.names[path.name]})
                directory.change(**{path.name: None})
            case _:
                directory.change(**{path.name: None})
        return True

    def _is_mine(self, path: Path) -> bool:
        return path.is_relative_to(self.root)

    def _directory(self, path: Path) -> Directory:
        """Return the directory that a path is in."""
        node = self._node(path.parent)
        assert isinstance(node, Directory)
        return node

    def _node(self, path: Path) -> Node:
        """Return what a path names; KeyError where that is nothing."""
        node: Node = self._top
        for name in path.relative_to(self.root).parts:
            assert isinstance(node, Directory)
            node = node.names[name]
        return node


class WithoutDirectorySync(Machine):
    """The mutant that forgets that a name is data too."""

    def sync(self, path: Path, node: Node) -> None:
        if path.name.endswith(".tmp"):
            super().sync(path, node)


def _read(path: Path) -> Directory:
    found = Directory()
    for one in path.iterdir():
        found.change(**{one.name: _read(one) if one.is_dir() else WrittenFile(one.read_bytes())})
    found.sync()
    return found


def _write(node: Node, path: Path) -> None:
    if isinstance(node, Directory):
        path.mkdir()
        for name, one in node.names.items():
            _write(one, path / name)
    else:
        path.write_bytes(node.content)
