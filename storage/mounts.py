"""What kind of file system a directory lies on, and why it may not keep what it was told to keep."""

import os
import re
from pathlib import Path

FDINFO, MOUNTINFO = Path("/proc/self/fdinfo"), Path("/proc/self/mountinfo")

_IN_MEMORY = "it is kept in memory and gone with the power"
_IN_CONTAINER = "it is a layer of a container and goes with it: mount a volume there"
_ELSEWHERE = "its syncs and locks are those of another machine or program"

_DOUBTS = {
    "tmpfs": _IN_MEMORY,
    "ramfs": _IN_MEMORY,
    "overlay": _IN_CONTAINER,
    "aufs": _IN_CONTAINER,
    "fuse.fuse-overlayfs": _IN_CONTAINER,
    "nfs": _ELSEWHERE,
    "nfs4": _ELSEWHERE,
    "cifs": _ELSEWHERE,
    "smb3": _ELSEWHERE,
    "ceph": _ELSEWHERE,
    "9p": _ELSEWHERE,
    "virtiofs": _ELSEWHERE,
}


def file_system_of(directory: Path) -> str | None:
    """Return the type as the kernel names it, e.g. ext4; None where it does not say (only Linux does)."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # By number, not by path: a mount may be hidden behind a later one, and a path may be spelled in many ways.
        mount = re.search(r"^mnt_id:\s*(\d+)$", (FDINFO / str(descriptor)).read_text("ascii"), re.MULTILINE)
        return None if mount is None else type_of_mount(MOUNTINFO.read_text("utf-8", "replace"), mount[1])
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)


def type_of_mount(mountinfo: str, mount: str) -> str | None:
    """Return the type of the mount of this number, None where it is not listed (proc_pid_mountinfo(5))."""
    for line in mountinfo.splitlines():
        place, _, source = line.partition(" - ")
        if place.partition(" ")[0] == mount:
            return source.partition(" ")[0]
    return None


def doubt(file_system: str | None) -> str | None:
    """Return why a sync on this type may not outlast a power cut, a container or another machine; None for no reason."""
    if file_system is None:
        return None
    return _DOUBTS.get(file_system) or (_ELSEWHERE if file_system.startswith("fuse.") else None)
