"""What the home page tells: figures, what needs a person, and work under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, DurationField, ExpressionWrapper, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, Extract, Greatest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels.models import Account
from inventory.models import Transfer, WaitingDemand
from orders.models import Order, Status
from retailhub.core.access import Principal, principal_of_user
from retailhub.core.models import Attention, Job, User

SHOWN = 25
COUNTED = 1000
"""Figures on the home page stop here: "1,000+" says enough, and the database need not walk further."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A figure on the home page: what it counts, how many, what to think of it, and where they are."""

    title: str
    figure: int
    url: str
    remark: str = ""
    tone: str = ""
    of: int | None = None

    @property
    def is_many(self) -> bool:
        return self.figure > COUNTED


def counters(principal: Principal, *, now: datetime) -> list[Counter]:
    """Answer the figures that this person's rights make interesting, four at most."""
    found: list[Counter] = []
    if principal.may("orders:read"):
        found += _order_counters(principal, now)
    if principal.may("stock:read"):
        found.append(_road_counter(principal))
    if principal.may("channels:read"):
        found.append(_channel_counter(principal))
    return found


def _capped(rows: QuerySet[Any]) -> int:
    return rows.order_by()[: COUNTED + 1].count()


def _order_counters(principal: Principal, now: datetime) -> list[Counter]:
    rows = Order.objects.for_principal(principal)
    orders = reverse("admin:orders_order_changelist")
    ready = rows.filter(status=Status.ALLOCATED)
    late = _capped(ready.filter(placed_at__lt=now - timedelta(days=1)))
    short = _capped(rows.filter(status__in=[Status.OPEN, Status.PART_ALLOCATED]))
    waiting = WaitingDemand.objects.filter(quantity__gt=0)
    units = waiting.values("item").distinct()[: COUNTED + 1].count() if principal.places("stock:read") is None else 0
    return [
        Counter(
            _("Orders to ship"),
            _capped(ready),
            f"{orders}?status__exact=allocated",
            ngettext("%(n)s older than a day", "%(n)s older than a day", late) % {"n": late} if late else "",
            "warn" if late else "",
        ),
        Counter(
            _("Orders that are short"),
            short,
            f"{orders}?status__exact=part_allocated",
            ngettext("%(n)s item is waited for", "%(n)s items are waited for", units) % {"n": units} if units else "",
            "bad" if short else "good",
        ),
    ]


def _road_counter(principal: Principal) -> Counter:
    rows = Transfer.objects.for_principal(principal).filter(
        status__in=[Transfer.Status.IN_TRANSIT, Transfer.Status.PART_RECEIVED]
    )
    ready = _capped(Transfer.objects.for_principal(principal).filter(status=Transfer.Status.READY))
    return Counter(
        _("Transfers on the road"),
        _capped(rows),
        f"{reverse('admin:inventory_transfer_changelist')}?status__exact=in_transit",
        ngettext("%(n)s ready to leave", "%(n)s ready to leave", ready) % {"n": ready} if ready else "",
        "info" if ready else "",
    )


def _channel_counter(principal: Principal) -> Counter:
    figures = Account.objects.for_principal(principal).aggregate(
        all=Count("pk"),
        well=Count("pk", filter=Q(state=Account.State.LIVE, failures_in_a_row=0)),
        paused=Count("pk", filter=Q(state=Account.State.PAUSED)),
    )
    sick = figures["all"] - figures["well"] - figures["paused"]
    remark = ngettext("%(n)s has trouble", "%(n)s have trouble", sick) % {"n": sick} if sick else ""
    if not remark and figures["paused"]:
        remark = ngettext("%(n)s paused", "%(n)s paused", figures["paused"]) % {"n": figures["paused"]}
    return Counter(
        _("Channels in step"),
        figures["well"],
        reverse("channels:index"),
        remark,
        "bad" if sick else "warn" if remark else "good",
        of=figures["all"],
    )


def by_weight(rows: QuerySet[Attention], *, now: datetime) -> QuerySet[Attention]:
    """Put first what costs most to leave: money at risk times age; what has no price by age, after it."""
    age = Greatest(
        Cast(
            Extract(ExpressionWrapper(Value(now) - F("raised_at"), output_field=DurationField()), "epoch"), FloatField()
        ),
        Value(60.0),
    )
    money = Cast(Coalesce(F("at_risk"), Value(0), output_field=FloatField()), FloatField())
    return rows.annotate(
        weight=Case(When(at_risk__isnull=True, then=Value(0.0)), default=money * age, output_field=FloatField())
    ).order_by("-weight", "raised_at", "pk")


def who_can_settle(row: Attention, *, first: User) -> list[User]:
    """Answer the people who see the row and hold the right it takes, this person first."""
    people = User.objects.filter(is_active=True, is_staff=True).prefetch_related("memberships")
    able = [person for person in people.order_by("first_name", "username") if row.is_for(principal_of_user(person))]
    return sorted(able, key=lambda person: person != first)


def needs_you(principal: Principal, *, now: datetime, place: str = "") -> tuple[list[Attention], int]:
    """Answer the heaviest open rows, at one place if it is named, and how many there are (counted to a thousand)."""
    rows = Attention.objects.for_principal(principal).open(at=now).at_place(place)
    return list(by_weight(rows, now=now).select_related("assigned_to")[:SHOWN]), _capped(rows)


def jobs_under_way(user: User, *, now: datetime) -> list[Job]:
    """Answer this person's jobs that run or ended in the last ten minutes."""
    recent = Q(state__in=[Job.State.WAITING, Job.State.RUNNING]) | Q(finished_at__gte=now - timedelta(minutes=10))
    return list(Job.objects.filter(recent, started_by=user).order_by("-pk")[:10])


def next_event(principal: Principal, *, now: datetime, place: str = "") -> Transfer | None:
    """Answer what comes next when nothing needs doing: the next transfer due, at one place if it is named."""
    rows = Transfer.objects.for_principal(principal).filter(status=Transfer.Status.IN_TRANSIT, due__gte=now)
    if place:
        rows = rows.filter(destination__code=place)
    return rows.select_related("destination").order_by("due").first()
