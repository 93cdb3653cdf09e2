import asyncio
from pathlib import Path
from storage.wal.log import WriteAheadLog
from storage.wal.reader import LogReader

SET = dict(group_bytes_max=4<<20, group_events_max=2048, segment_bytes_max=20000, segment_age_s=3600, fence_idle_s=0.05, unflushed_bytes_max=16<<20, append_wait_s=1.0, disk_free_bytes_min=0)

async def test_smoke(tmp_path: Path):
    async with WriteAheadLog(tmp_path/"log", **SET) as log:
        r = await asyncio.gather(*(log.append([b'{"a":%d}' % i]) for i in range(1000)))
        assert r == list(range(1000))
        for i in range(5): await log.append([b'{"b":1}']*100)
        await asyncio.sleep(0.2)
        reader = LogReader(tmp_path/"log", tmp_path/"q")
        n=0
        while b := reader.take(tmp_path/"spool", events_max=500, bytes_max=1<<20):
            print(b); n += b.to_offset-b.from_offset+1
        print(reader.corrupt, reader._positions)
        assert n == 1500
        print(log.health(), reader.lag_bytes())
    while b := reader.take(tmp_path/"spool", events_max=500, bytes_max=1<<20): print(b)
    print(reader._done, reader.corrupt, reader.lag_bytes())
    print(sorted(tmp_path.rglob("*.ndjson")))
