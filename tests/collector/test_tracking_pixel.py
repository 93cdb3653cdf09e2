"""A picture that tracks: whatever is asked, a page that shows it shows nothing broken."""

from pathlib import Path

import pytest

from tests.collector.test_tracking_apps import WEIGHTS
from tests.collector.tracking_site import SIGNED_IN, TrackingSite, open_tracking


async def shown(site: TrackingSite, query: str, status: int = 200, **headers: str) -> dict[str, str]:
    answer = await site.client.get(f"/pixel.gif?{query}", headers=headers)
    raw = await answer.read()
    assert (answer.status, answer.content_type, len(raw)) == (status, "image/gif", 43)
    assert raw.startswith(b"GIF89a")
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.headers)


async def line_of(site: TrackingSite, query: str, **headers: str) -> dict[str, object]:
    await shown(site, query, **headers)
    return list((await site.lines()).values())[-1]


async def test_a_picture_that_is_shown_is_an_action(tracking: TrackingSite):
    query = (
        "source_label=mail_opened&id_user=9841&date_created=2018-04-10+12:09:07&page_url=%2Fa&campaign=spr%C3%AFng&n=7"
    )
    line = await line_of(tracking, query)
    assert (line["source_label"], line["page_url"]) == ("mail_opened", "/a")
    assert line["occurred_at"] == "2018-04-10T12:09:07Z"
    assert line["attrs"] == {"campaign": "sprïng", "n": "7", "claimed_id_user": "9841"}


async def test_it_brings_the_cookie_once_and_the_visitor_stays_the_same(tracking: TrackingSite):
    first = await line_of(tracking, "source_label=a")
    assert tracking.visitor == first["anonymous_id"]
    assert "Set-Cookie" not in await shown(tracking, "source_label=b")
    assert len({line["anonymous_id"] for line in (await tracking.lines()).values()}) == 1


async def test_a_token_says_which_application_and_is_not_kept(tracking: TrackingSite):
    await tracking.apps.add(WEIGHTS)
    line = await line_of(tracking, "source_label=a&api_token=ft_new&id_user=u1")
    assert (line["app_code"], line["user_id"], line.get("attrs")) == ("weights-1", "u1", None)
    assert (await line_of(tracking, "source_label=a", **SIGNED_IN))["user_id"] == "7"


async def test_a_repeat_is_no_second_action(tracking: TrackingSite):
    await shown(tracking, "source_label=a&event_id=e1")
    await shown(tracking, "source_label=a&event_id=e1")
    assert len(await tracking.lines()) == 1


async def test_head_tracks_nothing(tracking: TrackingSite):
    answer = await tracking.client.head("/pixel.gif?source_label=a")
    assert (answer.status, answer.content_type, answer.headers["Content-Length"]) == (200, "image/gif", "43")
    assert await tracking.lines() == {}


REFUSED = {
    "nothing": ("", 422),
    "no label": ("x=1", 422),
    "an empty label": ("source_label=", 422),
    "a repeated label": ("source_label=a&source_label=a", 422),
    "a time that is none": ("source_label=a&sent_at=soon", 422),
    "attrs": ("source_label=a&attrs=1", 422),
    "an application without its token": ("source_label=a&app_code=weights-1", 422),
    "301 parameters": ("source_label=a&" + "&".join(f"x{n}=" for n in range(300)), 422),
    "257 attrs": ("source_label=a&" + "&".join(f"x{n}=" for n in range(257)), 422),
    "no UTF-8": ("source_label=%ff", 400),
    "an unknown token": ("source_label=a&api_token=ft_new", 401),
}


@pytest.mark.parametrize(("query", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_action_is_a_picture_too_and_its_status_says_so(
    tracking: TrackingSite, query: str, status: int
):
    headers = await shown(tracking, query, status)
    assert ("WWW-Authenticate" in headers) == (status == 401)
    assert await tracking.lines() == {}


async def test_it_is_a_picture_where_every_event_needs_a_token(tmp_path: Path):
    async with open_tracking(tmp_path, token_required=True) as site:
        await shown(site, "source_label=a", 401)


async def test_every_other_method_is_405(tracking: TrackingSite):
    answer = await tracking.client.post("/pixel.gif?source_label=a")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
