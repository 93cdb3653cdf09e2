"""Row F8 on a real daemon: where nothing can be put on record nobody gets in, and what is on record stays whole."""

import json
import urllib.error
from pathlib import Path

from tests.house.daemon import ADMIN, PASSWORD, Daemon
from tests.needs import in_own_mounts

CREDENTIALS = {"nickname": ADMIN, "password": PASSWORD}
ROOM, BALLAST = 64 << 10, 32 << 10
SIGNINS_MAX = 2000


def sign_in_until_refused(daemon: Daemon) -> tuple[int, dict[str, object]]:
    """Return how many sign-ins there were, and the answer to the first that was refused with its Retry-After."""
    for number in range(SIGNINS_MAX):
        try:
            daemon.post("/auth/signin", CREDENTIALS)
        except urllib.error.HTTPError as error:
            with error:
                return number, json.loads(error.read()) | {"retry_after": int(error.headers["Retry-After"])}
    raise AssertionError("the disk never filled")


def test_f8_while_the_disk_of_the_audit_log_is_full_nobody_is_signed_in(tmp_path: Path):
    audit = tmp_path / "data" / "audit"
    prefix = in_own_mounts(
        f"mount -t tmpfs -o size={ROOM},mode=0700 tmpfs {audit}", f"head -c {BALLAST} /dev/zero > {audit}/ballast"
    )
    daemon = Daemon(tmp_path, prefix=prefix, FOOTFALL_IDENTITY__SESSIONS_MAX="1000")
    daemon.run("init")
    daemon.add_admin()
    for made in audit.iterdir():
        made.unlink()
    with daemon:
        daemon.start()
        token = str(daemon.post("/auth/signin", CREDENTIALS)["jwt_token"])
        opened, refused = sign_in_until_refused(daemon)
        assert opened > 10
        assert (refused["code"], refused.keys() & {"jwt_token", "refresh_token", "user"}) == ("audit_failed", set())
        assert 1 <= refused["retry_after"] <= 5
        assert sign_in_until_refused(daemon)[0] == 0
        assert len(daemon.get("/auth/sessions", token)["sessions"]) == 1 + opened
        Path(f"/proc/{daemon.process}/root{audit}/ballast").unlink()
        again = str(daemon.post("/auth/signin", CREDENTIALS)["jwt_token"])
        assert daemon.get("/admin/auth-events/check", again) == {"entries": 2 + opened, "damage": None}
