"""The home page: what costs most first, rows that are put off, panels that fail alone, and only what one may settle."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from retailhub.core.access import Role, principal_of_user
from retailhub.core.models import Attention, Job
from retailhub.home import queries
from tests.factories.core import person
from tests.pages.conftest import Browse, Shop


def needs(subject: str, *, hours: int = 1, at_risk: str | None = None, **kwargs: Any) -> Attention:
    values = {"kind": "short", "document": f"order:{subject}", "scope": "orders:read", **kwargs}
    return Attention.objects.create(
        subject=subject,
        raised_at=timezone.now() - timedelta(hours=hours),
        at_risk=Decimal(at_risk) if at_risk else None,
        currency="EUR" if at_risk else "",
        **values,
    )


def shown(client: Any, path: str = "/") -> list[str]:
    return [entry["row"].subject for entry in client.get(path).context["work"]]


def test_what_costs_most_to_leave_stands_first(db: None, browse: Browse) -> None:
    needs("cheap and old", hours=100, at_risk="1")
    needs("dear and new", hours=1, at_risk="500")
    needs("dear and old", hours=10, at_risk="200")
    needs("no price, older", hours=50)
    needs("no price, newer", hours=5)

    assert shown(browse.admin) == [
        "dear and old",
        "dear and new",
        "cheap and old",
        "no price, older",
        "no price, newer",
    ]


def test_people_see_what_they_can_settle_where_they_work(db: None, browse: Browse) -> None:
    needs("at lyon", location="lyon", scope="stock:write")
    needs("at paris", location="paris", scope="stock:write")
    needs("for administrators", scope="system:write")

    assert shown(browse.as_role(Role.WAREHOUSE, ["lyon"])) == ["at lyon"]
    assert shown(browse.as_role(Role.ACCOUNTANT)) == []


def test_a_row_that_is_put_off_comes_back(db: None, browse: Browse) -> None:
    row = needs("later")
    client = browse.admin

    answer = client.post(f"/work/{row.pk}/snooze/", {"until": "4"})

    assert answer.status_code == 302
    assert shown(client) == []
    assert shown(client, "/work/?show=snoozed") == ["later"]
    Attention.objects.filter(pk=row.pk).update(snoozed_until=timezone.now() - timedelta(minutes=1))
    assert shown(client) == ["later"]


def test_a_row_that_is_put_off_can_be_shown_at_once(db: None, browse: Browse) -> None:
    row = needs("sooner")
    client = browse.admin
    client.post(f"/work/{row.pk}/snooze/", {"until": "24"})

    client.post(f"/work/{row.pk}/snooze/", {"until": "0"})

    assert shown(client) == ["sooner"]


def test_a_row_is_taken_given_and_let_go(db: None, browse: Browse) -> None:
    row = needs("somebody's", scope="stock:write", location="lyon")
    me = person(Role.STORE_MANAGER)
    colleague = person(Role.WAREHOUSE, locations=["lyon"])
    stranger = person(Role.WAREHOUSE, locations=["paris"])
    accountant = person(Role.ACCOUNTANT)
    mine, theirs = browse.as_user(me), browse.as_user(colleague)

    offered = dict(mine.get(f"/work/{row.pk}/assign/").context["form"].fields["person"].choices)
    mine.post(f"/work/{row.pk}/assign/", {"person": str(me.pk)})

    assert next(iter(offered)) == str(me.pk)
    assert set(offered) >= {str(colleague.pk), ""}
    assert not {str(stranger.pk), str(accountant.pk)} & set(offered)
    assert shown(mine, "/work/?show=mine") == ["somebody's"]
    assert shown(theirs, "/work/?show=mine") == []
    assert shown(theirs, "/work/?show=nobody") == []
    assert shown(theirs) == ["somebody's"]
    mine.post(f"/work/{row.pk}/assign/", {"person": str(colleague.pk)})
    assert shown(theirs, "/work/?show=mine") == ["somebody's"]
    theirs.post(f"/work/{row.pk}/assign/", {"person": ""})
    row.refresh_from_db()
    assert row.assigned_to is None


def test_a_row_is_given_to_nobody_who_cannot_settle_it(db: None, browse: Browse) -> None:
    row = needs("for administrators", scope="system:write")
    outsider = person(Role.BUYER)

    assert browse.admin.post(f"/work/{row.pk}/assign/", {"person": str(outsider.pk)}).status_code == 422
    assert browse.as_user(outsider).post(f"/work/{row.pk}/assign/", {"person": str(outsider.pk)}).status_code == 404
    row.refresh_from_db()
    assert row.assigned_to is None


def test_whoever_sees_a_row_can_settle_it_and_the_other_way_round(db: None) -> None:
    rows = [
        needs("a", location="lyon", scope="stock:write"),
        needs("b", location="paris", scope="orders:read"),
        needs("c", scope="system:write"),
        needs("d", scope="orders:read"),
    ]
    for user in (person(Role.WAREHOUSE, locations=["lyon"]), person(Role.ADMINISTRATOR), person(Role.BUYER), person()):
        principal = principal_of_user(user)
        seen = set(Attention.objects.for_principal(principal).values_list("subject", flat=True))
        assert {row.subject for row in rows if row.is_for(principal)} == seen


def test_a_dialog_goes_back_to_the_list_it_was_opened_over(db: None, browse: Browse) -> None:
    row = needs("later")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/work/?show=all&kind=short"}

    answer = browse.admin.post(f"/work/{row.pk}/snooze/", {"until": "4"}, headers=headers)
    elsewhere = browse.admin.get(
        f"/work/{row.pk}/snooze/", headers={"HX-Current-URL": "http://evil.example/work/"}
    ).context["back_url"]

    assert answer["HX-Redirect"] == "/work/?show=all&kind=short"
    assert elsewhere == "/"


def test_the_home_page_of_a_place_leaves_out_what_is_elsewhere(shop: Shop, browse: Browse) -> None:
    Attention.objects.all().delete()
    needs("at lyon", location="lyon")
    needs("at the depot", location="depot")
    needs("anywhere")
    client = browse.as_user(person(Role.STORE_MANAGER, home_location="lyon"))

    assert set(shown(client)) == {"at lyon", "anywhere"}
    assert "Needs you at Lyon store" in client.get("/").content.decode()
    assert len(shown(client, "/work/")) == 3


def test_nobody_puts_off_what_he_cannot_see(db: None, browse: Browse) -> None:
    row = needs("not yours", scope="system:write")

    assert browse.as_role(Role.WAREHOUSE).post(f"/work/{row.pk}/snooze/", {"until": "4"}).status_code == 404
    row.refresh_from_db()
    assert row.snoozed_until is None


def test_with_nothing_to_do_the_page_says_all_clear(db: None, browse: Browse) -> None:
    assert "All clear" in browse.admin.get("/").content.decode()


def test_a_panel_that_fails_says_so_and_the_others_stay(
    shop: Shop, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("still here")

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(queries, "counters", broken)

    text = browse.admin.get("/").content.decode()

    assert "cannot be read just now" in text
    assert "still here" in text


def test_jobs_show_to_who_started_them_and_only_he_stops_them(db: None, browse: Browse) -> None:
    mine = person(Role.STORE_MANAGER)
    job = Job.objects.create(kind="import", label="My import", started_by=mine, state=Job.State.RUNNING, total=10)

    assert "My import" in browse.as_user(mine).get("/").content.decode()
    assert browse.as_role(Role.STORE_MANAGER).post(f"/jobs/{job.pk}/cancel/", {}).status_code == 404
    assert browse.as_user(mine).post(f"/jobs/{job.pk}/cancel/", {}).status_code == 302
    job.refresh_from_db()
    assert job.cancel_requested


def test_progress_stops_being_asked_for_when_the_job_is_over(db: None, browse: Browse) -> None:
    job = Job.objects.create(kind="import", label="An import", state=Job.State.RUNNING)
    client = browse.admin

    running = client.get(f"/jobs/{job.pk}/progress/", headers={"HX-Request": "true"})
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    over = client.get(f"/jobs/{job.pk}/progress/", headers={"HX-Request": "true"})

    assert (running.status_code, over.status_code) == (200, 286)
    assert "hx-trigger" in running.content.decode()
    assert "hx-trigger" not in over.content.decode()
