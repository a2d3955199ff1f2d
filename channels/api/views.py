"""Channels: opened, looked at, and moved between live and paused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from channels.api import writing
from channels.api.access import account_for
from channels.api.serializers import (
    ChannelBody,
    ChannelChange,
    ChannelShape,
    NothingNeeded,
    PauseBody,
    SyncShape,
    SyncStartedShape,
)
from channels.models import Account
from channels.queries import sync_state
from channels.services.connecting import change_exposure, open_channel, pause_account, resume_account
from channels.services.recounting import want_account_pushed
from inventory.models import Location, StockPoolLocation
from inventory.services.finding import UnknownLocation
from retailhub.core.access import Principal
from retailhub.core.api.once import Body
from retailhub.core.api.schema import door
from retailhub.core.api.verbs import NotAvailableYet
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.bells import ring_on_commit
from retailhub.core.errors import NotAllowed, NotFound, Offence

SCOPE = "channels:write"


def accounts_for(principal: Principal, scope: str = "channels:read") -> QuerySet[Account]:
    """Answer the channels a principal may see, with all that is shown of them."""
    entries = StockPoolLocation.objects.select_related("location").order_by("position", "pk")
    return (
        Account.objects.for_principal(principal, scope)
        .defer("credentials")
        .select_related("channel__pool")
        .prefetch_related(Prefetch("channel__pool__entries", entries))
    )


def written(principal: Principal, code: str, scope: str = "channels:read") -> dict[str, Any]:
    account = accounts_for(principal, scope).filter(channel__code=code).first()
    if account is None:
        raise NotFound
    return writing.channel(account)


class Channels(ListView):
    """List channels by code."""

    required_scopes: ClassVar = {"GET": "channels:read", "POST": SCOPE}
    shape = ChannelShape
    keys = ("channel__code",)
    key_kinds = (str,)

    def rows(self) -> QuerySet[Account]:
        return accounts_for(self.principal)

    def shown(self, row: Account) -> Mapping[str, Any]:
        return writing.channel(row)

    @door({201: ChannelShape}, body=ChannelBody, keyed=False)
    def post(self, request: Request) -> HttpResponse:
        """Open a channel. A desk channel has no connector and is live at once; any other is set up, then resumed.

        409 `duplicate_channel` when the code is taken.
        """
        if self.principal.channel:
            raise NotAllowed("A key for one channel cannot open another.", scope=SCOPE)
        return self.once(self.make, required=False)

    def make(self) -> Body:
        values = ChannelBody.read(self.request.data)
        codes = values.pop("locations")
        self._refuse_unknown(codes)
        channel = open_channel(**values, location_codes=codes)
        return 201, written(self.principal, channel.code, SCOPE)

    def _refuse_unknown(self, codes: list[str]) -> None:
        places = Location.objects.places() if self.principal.places(SCOPE) is None else self._own_places()
        known = set(places.filter(code__in=codes).values_list("code", flat=True))
        unknown = [
            Offence(pointer=f"/locations/{i}", code="unknown_location", detail=f"no location has the code {code}")
            for i, code in enumerate(codes)
            if code not in known
        ]
        if unknown:
            raise UnknownLocation(errors=unknown)

    def _own_places(self) -> Any:
        return Location.objects.for_principal(self.principal, SCOPE)


class OneChannel(ApiView):
    """A channel."""

    required_scopes: ClassVar = {"GET": "channels:read", "PATCH": SCOPE}

    @door(ChannelShape)
    def get(self, request: Request, code: str) -> Response:
        """Read a channel."""
        return Response(written(self.principal, code))

    @door(ChannelShape, body=ChannelChange, keyed=False)
    def patch(self, request: Request, code: str) -> HttpResponse:
        """Change how much of our stock the channel may see; its listings are told their new figures."""
        self.account = account_for(self.principal, code, SCOPE)
        return self.once(self.change, required=False)

    def change(self) -> Body:
        change_exposure(account_id=self.account.pk, **ChannelChange.read(self.request.data, partial=True))
        return 200, written(self.principal, self.account.channel.code, SCOPE)


class ChannelVerb(ApiView):
    """Something that is done to one channel."""

    required_scopes: ClassVar = {"POST": SCOPE}

    def post(self, request: Request, code: str) -> HttpResponse:
        self.account = account_for(self.principal, code, SCOPE)
        return self.once(self.act, required=False)

    def act(self) -> Body:
        raise NotImplementedError

    def shown(self) -> Body:
        return 200, written(self.principal, self.account.channel.code, SCOPE)


class Pause(ChannelVerb):
    """Write nothing more to a channel."""

    @door(ChannelShape, body=PauseBody, keyed=False)
    def post(self, request: Request, code: str) -> HttpResponse:
        """Write nothing more to the channel; its orders are taken all the same."""
        return super().post(request, code)

    def act(self) -> Body:
        reason = PauseBody.read(self.request.data)["reason"] or ""
        pause_account(account_id=self.account.pk, reason=reason, actor=self.principal.actor)
        return self.shown()


class Resume(ChannelVerb):
    """Go live, or on."""

    @door(ChannelShape, body=NothingNeeded, keyed=False)
    def post(self, request: Request, code: str) -> HttpResponse:
        """Go live, or on: every live listing is told its figure of now."""
        return super().post(request, code)

    def act(self) -> Body:
        NothingNeeded.read(self.request.data)
        resume_account(account_id=self.account.pk, actor=self.principal.actor)
        return self.shown()


class Promises(ChannelVerb):
    """What a checkout may promise."""

    required_scopes: ClassVar = {"POST": "channels:read"}

    @door({200: dict}, keyed=False)
    def post(self, request: Request, code: str) -> HttpResponse:
        """Not built yet: answers 409 `not_available_yet` and changes nothing."""
        account_for(self.principal, code)
        raise NotAvailableYet


class Sync(ChannelVerb):
    """How a channel keeps up."""

    required_scopes: ClassVar = {"GET": "channels:read", "POST": SCOPE}

    @door(SyncShape)
    def get(self, request: Request, code: str) -> Response:
        """Say how the channel keeps up: lag, queue, last push, last order, discrepancies."""
        account = account_for(self.principal, code)
        return Response(writing.sync(account, sync_state(account)))

    @door({202: SyncStartedShape}, body=NothingNeeded, keyed=False)
    def post(self, request: Request, code: str) -> HttpResponse:
        """Tell the channel every figure again, also where it confirmed it, and ask it for its orders."""
        return super().post(request, code)

    def act(self) -> Body:
        NothingNeeded.read(self.request.data)
        count = want_account_pushed(self.account)
        if self.account.kind != "desk":
            ring_on_commit("channels.tasks.pull_orders", self.account.pk)
        return 202, {"channel": self.account.channel.code, "listings": count}
