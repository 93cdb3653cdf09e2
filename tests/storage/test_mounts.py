"""Which file system a directory lies on, from lines as kernels really write them, and what is held against it."""

from pathlib import Path

import pytest

from storage.mounts import doubt, file_system_of, type_of_mount

MOUNTINFO = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,errors=remount-ro
30 25 0:27 / /dev/shm rw,nosuid,nodev shared:4 - tmpfs tmpfs rw,size=24684084k
31 27 0:28 / /srv/with\040a\040space\040-\040ext4 rw,relatime shared:9 master:1 - nfs4 nas:/export/a\040b rw,vers=4.2,hard
3 27 0:29 / /srv/with\040a\040space\040-\040ext4 rw - xfs /dev/vdb rw,attr2
1536 1419 0:61 / / rw,relatime master:523 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/u/diff,workdir=/u/work
41 27 0:38 / /mnt/bucket rw,nosuid,nodev,relatime - fuse.s3fs s3fs rw,user_id=0,group_id=0
42 27 0:39 / /c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\,uid=1000
"""
TYPES = {
    "27": "ext4",
    "30": "tmpfs",
    "31": "nfs4",
    "3": "xfs",
    "1536": "overlay",
    "41": "fuse.s3fs",
    "42": "9p",
    "7": None,
}


@pytest.mark.parametrize(("mount", "file_system"), TYPES.items())
def test_the_type_of_a_mount_is_read_by_its_number(mount: str, file_system: str | None) -> None:
    assert type_of_mount(MOUNTINFO, mount) == file_system


@pytest.mark.parametrize(
    "file_system", ["tmpfs", "ramfs", "overlay", "aufs", "nfs", "nfs4", "cifs", "9p", "fuse.sshfs"]
)
def test_what_may_lose_what_it_has_synced_is_doubted(file_system: str) -> None:
    assert doubt(file_system)


@pytest.mark.parametrize("file_system", ["ext4", "xfs", "btrfs", "zfs", "apfs", "fuseblk", None])
def test_local_disks_and_what_is_not_known_are_not(file_system: str | None) -> None:
    assert doubt(file_system) is None


def test_a_directory_is_on_the_file_system_of_its_mount_however_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc/self")
    assert file_system_of(tmp_path / "proc" / "fdinfo") == "proc"
    assert file_system_of(tmp_path) not in (None, "proc")
