"""A disk in memory whose power can be cut, after SQLite's test6: what was not synced may be there, or not, or as garbage.

A file has what is durable and what was written since. At a cut every unsynced sector is kept, dropped or garbage, each for
itself, and the length is any between the durable and the written one. A change of a directory is kept or dropped, each
for itself, unless the directory was synced after it.
"""

import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

SECTOR = 512

Act = Callable[[], None]


class SyncFailed(OSError):
    """A sync failed; its process ends, as a log does after that."""


class PowerCut(Exception):
    """The machine is off: from here on every call of its processes fails."""


class File:
    """The bytes that are durable, and those that reads see."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.content = bytearray()
        self.dirty: set[int] = set()

    def write(self, content: bytes, at: int) -> None:
        self.content.extend(b"\0" * (at - len(self.content)))
        self.content[at : at + len(content)] = content
        self.dirty.update(range(at // SECTOR, -(-(at + len(content)) // SECTOR)))

    def truncate(self, size: int) -> None:
        self.dirty.update(range(size // SECTOR, len(self.content) // SECTOR + 1))
        del self.content[size:]

    def sync(self) -> None:
        self.durable = bytearray(self.content)
        self.dirty.clear()

    def forget(self) -> None:
        """Call the pages clean though they never reached the disk, as Linux does after a failed fsync."""
        self.dirty.clear()

    def lose_power(self, dice: random.Random) -> None:
        size = dice.choice(
            (len(self.durable), len(self.content), dice.randint(*sorted((len(self.durable), len(self.content)))))
        )
        after = bytearray(size)
        after[: len(self.durable)] = self.durable[:size]
        for sector in self.dirty:
            begin, end = sector * SECTOR, min((sector + 1) * SECTOR, size)
            fate = dice.choice(("kept", "dropped", "garbage"))
            if fate == "kept":
                seen = self.content[begin:end]
                after[begin : begin + len(seen)] = seen
            elif fate == "garbage":
                # Bytes that were durable in the same sector stay (powersafe overwrite, as SQLite calls it).
                begin = max(begin, min(end, len(self.durable)))
                after[begin:end] = dice.randbytes(max(0, end - begin))
        self.durable, self.content = after, bytearray(after)
        self.dirty.clear()


class Directory:
    """The names that are durable, and the changes made since, each of one or two names at once."""

    def __init__(self) -> None:
        self.durable: dict[str, Node] = {}
        self.names: dict[str, Node] = {}
        self.changes: list[dict[str, Node | None]] = []

    def change(self, **names: "Node | None") -> None:
        self.changes.append(names)
        _apply(self.names, names)

    def sync(self) -> None:
        self.durable = dict(self.names)
        self.changes.clear()

    def lose_power(self, dice: random.Random) -> None:
        for change in self.changes:
            if dice.random() < 0.5:
                _apply(self.durable, change)
        self.names = dict(self.durable)
        self.changes.clear()
        for node in self.names.values():
            node.lose_power(dice)


Node = File | Directory


def _apply(names: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


class CrashDisk:
    """A FileSystem in memory below `root`. Every choice is made by `dice`, so that a seed tells the whole story."""

    def __init__(self, root: Path, dice: random.Random, *, room: int = 1 << 40) -> None:
        self.root = root
        self.dice = dice
        self.room = room
        self.calls = 0
        self.cut_at: int | None = None
        self.fail_sync_at: int | None = None
        self._is_off = False
        self._top = Directory()
        self._open: dict[int, File] = {}
        self._locks: dict[int, int] = {}
        self._next = 3

    def lose_power(self) -> None:
        """Cut the power and start the machine again."""
        self._top.lose_power(self.dice)
        self._open.clear()
        self._locks.clear()
        self._is_off, self.cut_at, self.fail_sync_at = False, None, None

    def damage(self) -> bool:
        """Flip one bit of a segment, live or archived, if there is one with anything in it."""
        files = [file for name, file in self._files(self._top) if ".ndjson" in name and file.durable]
        if files:
            file = self.dice.choice(files)
            file.durable[self.dice.randrange(len(file.durable))] ^= 1 << self.dice.randrange(8)
            file.content = bytearray(file.durable)
        return bool(files)

    def _files(self, directory: Directory) -> Iterator[tuple[str, File]]:
        for name, node in directory.names.items():
            if isinstance(node, Directory):
                yield from self._files(node)
            else:
                yield name, node

    # FileSystem

    def create(self, path: Path) -> int:
        directory = self._directory(path.parent)
        if path.name in directory.names:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        file = File()
        self._step(lambda: directory.change(**{path.name: file}))
        return self._descriptor(file)

    def open(self, path: Path, *, write: bool = False) -> int:
        self._step()
        return self._descriptor(self._file(path))

    def close(self, descriptor: int) -> None:
        self._step()
        file = self._open.pop(descriptor)
        if self._locks.get(id(file)) == descriptor:
            del self._locks[id(file)]

    def read(self, descriptor: int, count: int, at: int) -> bytes:
        self._step()
        return bytes(self._open[descriptor].content[at : at + count])

    def write(self, descriptor: int, content: bytes | bytearray | memoryview, at: int) -> int:
        file, sent = self._open[descriptor], bytes(content)
        if self.dice.random() < 0.2:
            sent = sent[: self.dice.randint(1, len(sent))]
        grown = max(0, at + len(sent) - len(file.content))
        if grown > self.room:
            sent, grown = sent[: len(sent) - (grown - self.room)], self.room
            if not sent:
                raise OSError(errno.ENOSPC, "no space left")
        cut_short = sent[: self.dice.randint(0, len(sent))]
        self._step(lambda: file.write(sent, at), in_part=lambda: file.write(cut_short, at))
        self.room -= grown
        return len(sent)

    def truncate(self, descriptor: int, size: int) -> None:
        file = self._open[descriptor]
        self.room += max(0, len(file.content) - size)
        self._step(lambda: file.truncate(size))

    def size(self, descriptor: int) -> int:
        self._step()
        return len(self._open[descriptor].content)

    def is_named(self, descriptor: int) -> bool:
        return any(file is self._open[descriptor] for _, file in self._files(self._top))

    def sync(self, descriptor: int) -> None:
        file = self._open[descriptor]
        if self.fail_sync_at is not None and self.calls >= self.fail_sync_at:
            self.fail_sync_at = None
            file.forget()
            raise SyncFailed(errno.EIO, "input/output error")
        self._step(file.sync)

    def sync_data(self, descriptor: int) -> None:
        self.sync(descriptor)

    def sync_directory(self, path: Path) -> None:
        self._step(self._directory(path).sync)

    def make_directory(self, path: Path) -> None:
        parent = self._directory(path.parent)
        if path.name in parent.names:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        self._step(lambda: parent.change(**{path.name: Directory()}))

    def remove_directory(self, path: Path) -> None:
        if self._directory(path).names:
            raise OSError(errno.ENOTEMPTY, "not empty", str(path))
        self._step(lambda: self._directory(path.parent).change(**{path.name: None}))

    def names(self, path: Path) -> list[str]:
        self._step()
        return list(self._directory(path).names)

    def rename(self, old: Path, new: Path) -> None:
        assert old.parent == new.parent, "nothing of ours moves between directories"
        directory = self._directory(old.parent)
        node = self._node(old)
        self._step(lambda: directory.change(**{old.name: None, new.name: node}))

    def remove(self, path: Path) -> None:
        file = self._file(path)
        self.room += len(file.content)
        self._step(lambda: self._directory(path.parent).change(**{path.name: None}))

    def try_lock(self, path: Path) -> int | None:
        if path.name not in self._directory(path.parent).names:
            self.close(self.create(path))
        file = self._file(path)
        if id(file) in self._locks:
            return None
        descriptor = self._descriptor(file)
        self._locks[id(file)] = descriptor
        return descriptor

    def free_bytes(self, path: Path) -> int:
        return self.room

    # What happens below.

    def _step(self, act: Act = lambda: None, *, in_part: Act | None = None) -> None:
        """Do one call, or lose power before it, in the midst of it, or right after."""
        if self._is_off:
            raise PowerCut
        self.calls += 1
        if self.cut_at is not None and self.calls >= self.cut_at:
            self._is_off = True
            if self.dice.random() < 0.5:
                (in_part or act)()
            raise PowerCut
        act()

    def _descriptor(self, file: File) -> int:
        self._next += 1
        self._open[self._next] = file
        return self._next

    def _node(self, path: Path) -> Node:
        node: Node = self._top
        for name in path.relative_to(self.root).parts:
            if not isinstance(node, Directory) or name not in node.names:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            node = node.names[name]
        return node

    def _file(self, path: Path) -> File:
        node = self._node(path)
        if not isinstance(node, File):
            raise IsADirectoryError(errno.EISDIR, "a directory", str(path))
        return node

    def _directory(self, path: Path) -> Directory:
        node = self._node(path)
        if not isinstance(node, Directory):
            raise NotADirectoryError(errno.ENOTDIR, "no directory", str(path))
        return node
