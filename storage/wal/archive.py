"""Loaded segments, compressed: what DuckDB is rebuilt from once the log has let go of them.

`<root>/<log_id>/<segment>.ndjson.zst` is a skippable frame (RFC 8878, section 3.1.2) that holds the manifest, and a
Zstandard frame that holds the segment: one file, replaced as a whole, which `zstdcat` reads. Nothing links one file to the
next, so that each can be rewritten alone (erasure, rule R12).
"""

import contextlib
import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
import zstandard

from storage.errors import LogCorrupt
from storage.files import make_directory, write_all
from storage.filesystem import LOCAL, FileSystem
from storage.wal.directory import log_ids
from storage.wal.manifest import Manifest, manifest_of, text_of
from storage.wal.segment import SegmentFile, Totals, intact_frames

MANIFEST_BYTES_MAX = 64 * 1024
SUFFIX = ".ndjson.zst"
ARCHIVED = re.compile(r"(\d{16})" + re.escape(SUFFIX))
ZSTD_LEVEL = 3
CHUNK_BYTES = 1 << 20
BITE_BYTES = 1 << 12

log = structlog.get_logger()

_SKIPPABLE = struct.Struct("<II")
_SKIPPABLE_MAGIC = 0x184D2A50


class Archive:
    """The archived segments below `root`; used by one thread. The last one that was opened is kept unpacked.

    It is unpacked into a file without a name in `scratch`, or beside the archived one.
    """

    def __init__(self, root: Path, *, scratch: Path | None = None, files: FileSystem = LOCAL) -> None:
        self._root = root
        self._scratch = scratch
        self._files = files
        self._opened: tuple[str, int, int] | None = None

    def log_ids(self) -> list[str]:
        """Return the logs of which something is archived, oldest first."""
        return log_ids(self._root, self._files)

    def numbers(self, log_id: str) -> list[int]:
        """Return the archived segments of a log in order."""
        try:
            names = self._files.names(self._root / log_id)
        except FileNotFoundError:
            return []
        return sorted(int(found[1]) for name in names if (found := ARCHIVED.fullmatch(name)))

    def manifest(self, log_id: str, segment: int) -> Manifest:
        """Return a segment's manifest.

        Raises:
            FileNotFoundError: it is not in the archive.
            LogCorrupt: it does not parse.
            LogVersionUnknown: a later version wrote it.
        """
        path = self.path(log_id, segment)
        descriptor = self._files.open(path)
        try:
            return self._manifest(path, descriptor)[0]
        finally:
            self._files.close(descriptor)

    def packed_bytes(self, log_id: str, segment: int) -> int:
        """Return the size of an archived segment's file; FileNotFoundError when it is not in the archive."""
        descriptor = self._files.open(self.path(log_id, segment))
        try:
            return self._files.size(descriptor)
        finally:
            self._files.close(descriptor)

    def keep(self, source: SegmentFile) -> Manifest:
        """Return the segment's manifest once the segment is in the archive and survives a power cut; idempotent."""
        log_id, segment = source.log_id, source.segment
        with contextlib.suppress(FileNotFoundError, LogCorrupt):
            return self.manifest(log_id, segment)
        directory = self._root / log_id
        make_directory(self._root, files=self._files)
        make_directory(directory, files=self._files)
        return self.put(source)

    def put(self, source: SegmentFile, *, is_rewritten: bool = False) -> Manifest:
        """Write or replace an archived segment, as `keep` does."""
        path = self.path(source.log_id, source.segment)
        manifest = _manifest_of(source, is_rewritten=is_rewritten)
        draft = path.with_name(f".{path.name}.tmp")
        descriptor = self._new(draft)
        try:
            self._write(descriptor, _packed(source, manifest))
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
        self._files.rename(draft, path)
        self._files.sync_directory(path.parent)
        return manifest

    def open(self, log_id: str, segment: int) -> SegmentFile:
        """Return the segment unpacked, of a damaged file what can be; it stays readable until the next call or `close`.

        Raises:
            FileNotFoundError: it is not in the archive.
        """
        if self._opened is None or self._opened[:2] != (log_id, segment):
            self.close()
            self._opened = (log_id, segment, self._unpacked(log_id, segment))
        return SegmentFile(self._files, self._opened[2], log_id, segment)

    def open_whole(self, log_id: str, segment: int) -> SegmentFile:
        """Return the segment as `open` does; LogCorrupt when the file is not what its manifest says."""
        manifest = self.manifest(log_id, segment)
        file = self.open(log_id, segment)
        digest = hashlib.sha256()
        for chunk in _chunks_of(file):
            digest.update(chunk)
        if digest.hexdigest() != manifest.sha256:
            raise LogCorrupt(f"{self.path(log_id, segment)}: SHA-256 is not that of its manifest")
        return file

    def verify(self, log_id: str, segment: int) -> Manifest:
        """Return the manifest if file and manifest agree and every frame is intact; LogCorrupt says what does not."""
        manifest = self.manifest(log_id, segment)
        file = self.open_whole(log_id, segment)
        end, totals = 0, Totals()
        for at, header in intact_frames(file):
            if at != end:
                raise LogCorrupt(f"log {log_id}, segment {segment}: damaged from byte {end} to byte {at}")
            end = header.end(at)
            if header.frame == "DATA":
                totals.add(header.count, header.bytes, header.rejected, header.duplicates)
        found = (totals.count, totals.rejected, totals.duplicates, end)
        if found != (manifest.count, manifest.rejected, manifest.duplicates, manifest.bytes):
            raise LogCorrupt(f"log {log_id}, segment {segment}: holds {found}, its manifest says otherwise")
        return manifest

    @contextlib.contextmanager
    def unnamed(self, log_id: str, segment: int, chunks: Iterable[bytes]) -> Iterator[SegmentFile]:
        """Yield a segment of these bytes that is gone with the context."""
        descriptor = self._unnamed(self.path(log_id, segment), chunks)
        try:
            yield SegmentFile(self._files, descriptor, log_id, segment)
        finally:
            self._files.close(descriptor)

    def close(self) -> None:
        """Give up the unpacked segment."""
        if self._opened is not None:
            self._files.close(self._opened[2])
            self._opened = None

    def path(self, log_id: str, segment: int) -> Path:
        """Return where an archived segment is."""
        return self._root / log_id / f"{segment:016d}{SUFFIX}"

    def _manifest(self, path: Path, descriptor: int) -> tuple[Manifest, int]:
        """Return the manifest and the byte behind it."""
        head = self._files.read(descriptor, _SKIPPABLE.size, 0)
        magic, size = _SKIPPABLE.unpack(head) if len(head) == _SKIPPABLE.size else (0, 0)
        if magic != _SKIPPABLE_MAGIC or size > MANIFEST_BYTES_MAX:
            raise LogCorrupt(f"{path}: does not begin with a manifest")
        text = self._files.read(descriptor, size, _SKIPPABLE.size)
        return manifest_of(text, str(path)), _SKIPPABLE.size + size

    def _write(self, descriptor: int, chunks: Iterable[bytes]) -> None:
        size = 0
        for chunk in chunks:
            write_all(descriptor, chunk, size, files=self._files)
            size += len(chunk)

    def _new(self, path: Path) -> int:
        try:
            return self._files.create(path)
        except FileExistsError:
            self._files.remove(path)
            return self._files.create(path)

    def _unpacked(self, log_id: str, segment: int) -> int:
        """Return a descriptor of the segment's bytes in a file without a name."""
        path = self.path(log_id, segment)
        source = self._files.open(path)
        try:
            begin = self._begin_of_segment(path, source)
            return self._unnamed(path, _unpacked(self._chunks(source, begin), path))
        finally:
            self._files.close(source)

    def _begin_of_segment(self, path: Path, descriptor: int) -> int:
        try:
            return self._manifest(path, descriptor)[1]
        except LogCorrupt as error:
            log.error("archive_damaged", file=str(path), reason=str(error))
            head = self._files.read(descriptor, _SKIPPABLE.size + MANIFEST_BYTES_MAX, 0)
            return max(0, head.find(zstandard.FRAME_HEADER))

    def _unnamed(self, path: Path, chunks: Iterable[bytes]) -> int:
        """Write a file beside `path` that has no name any more, and return its descriptor."""
        scratch = (self._scratch or path.parent) / f".{path.name}.open"
        descriptor = self._new(scratch)
        try:
            self._files.remove(scratch)
            self._write(descriptor, chunks)
        except BaseException:  # what was opened is closed whatever it is; it goes on
            self._files.close(descriptor)
            raise
        return descriptor

    def _chunks(self, descriptor: int, at: int) -> Iterator[bytes]:
        while chunk := self._files.read(descriptor, CHUNK_BYTES, at):
            yield chunk
            at += len(chunk)


def _unpacked(chunks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Yield the segment up to the first damaged block; the frames in it have CRCs of their own."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    try:
        for chunk in chunks:
            # Small bites: what stands before a damaged block in the same bite would be lost with it.
            for at in range(0, len(chunk), BITE_BYTES):
                yield decompressor.decompress(chunk[at : at + BITE_BYTES])
    except zstandard.ZstdError as error:
        log.error("archive_damaged", file=str(path), reason=str(error))


def _packed(source: SegmentFile, manifest: Manifest) -> Iterator[bytes]:
    text = text_of(manifest)
    yield _SKIPPABLE.pack(_SKIPPABLE_MAGIC, len(text)) + text
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    for chunk in _chunks_of(source):
        yield compressor.compress(chunk)
    yield compressor.flush()


def _chunks_of(source: SegmentFile) -> Iterator[bytes]:
    at = 0
    while chunk := source.read(CHUNK_BYTES, at):
        yield chunk
        at += len(chunk)


def _manifest_of(source: SegmentFile, *, is_rewritten: bool) -> Manifest:
    totals, first, following = Totals(), None, 0
    for _, header in intact_frames(source):
        first, following = header.first_offset if first is None else first, header.next_offset
        if header.frame == "DATA":
            totals.add(header.count, header.bytes, header.rejected, header.duplicates)
    digest = hashlib.sha256()
    for chunk in _chunks_of(source):
        digest.update(chunk)
    return Manifest(
        log_id=source.log_id,
        segment=source.segment,
        first_offset=first or 0,
        next_offset=following,
        count=totals.count,
        rejected=totals.rejected,
        duplicates=totals.duplicates,
        bytes=source.size(),
        sha256=digest.hexdigest(),
        is_rewritten=is_rewritten,
    )
