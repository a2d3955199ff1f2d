"""Channels opened, their connection settings, and the switch between live and paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from channels.connectors.registry import connector_kinds
from channels.models import Account
from channels.services.recounting import want_account_pushed
from inventory.services.arranging import arrange_pool
from orders.models import SalesChannel
from retailhub.core.errors import DomainError, Invalid, Offence

DESK = "desk"
MOST_UNITS = 1_000_000_000


class DuplicateChannel(DomainError):
    """A channel with this code exists already."""

    code = "duplicate_channel"


@transaction.atomic
def open_channel(
    *,
    code: str,
    name: str,
    kind: str,
    currency: str,
    location_codes: Sequence[str],
    prices_include_tax: bool = True,
    base_url: str = "",
    credentials: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> SalesChannel:
    """Have a channel that sells from these places, in this order. A desk channel has no connector and is live at once.

    Any other is being set up: nothing is written to it before it is resumed.
    """
    if kind != DESK and kind not in connector_kinds():
        known = ", ".join([DESK, *connector_kinds()])
        raise Invalid(
            "There is no such kind of channel.",
            errors=[Offence(pointer="/kind", code="invalid", detail=f"a kind is one of {known}")],
        )
    if SalesChannel.objects.filter(code=code).exists():
        raise DuplicateChannel(errors=[Offence(pointer="/code", code="duplicate_channel", detail=f"{code} exists")])
    pool = arrange_pool(code=code, name=name, location_codes=location_codes)
    channel = SalesChannel.objects.create(
        code=code, name=name, currency=currency, prices_include_tax=prices_include_tax, pool=pool
    )
    Account.objects.create(
        channel=channel,
        kind=kind,
        base_url=base_url,
        credentials=dict(credentials or {}),
        options=dict(options or {}),
        state=Account.State.LIVE if kind == DESK else Account.State.SETUP,
    )
    return channel


@transaction.atomic
def pause_account(*, account_id: int, reason: str, actor: str) -> Account:
    """Write nothing more to the channel; its orders are taken all the same."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    account.state, account.state_reason = Account.State.PAUSED, f"{reason} ({actor})".strip()[:300]
    account.save(update_fields=["state", "state_reason"])
    return account


@transaction.atomic
def resume_account(*, account_id: int, actor: str) -> Account:
    """Go live, or on: every live listing is told its figure of now."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    account.state, account.state_reason = Account.State.LIVE, ""
    account.failures_in_a_row, account.open_again_at = 0, None
    account.save(update_fields=["state", "state_reason", "failures_in_a_row", "open_again_at"])
    want_account_pushed(account)
    return account


@transaction.atomic
def change_exposure(*, account_id: int, buffer: int | None = None, share_percent: int | None = None) -> Account:
    """Set how much of our stock the channel may see; every listing is told its new figure."""
    account = Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    if buffer is not None:
        if not 0 <= buffer <= MOST_UNITS:
            raise Invalid(errors=[Offence(pointer="/buffer", code="invalid", detail="a buffer is 0 or more units")])
        account.buffer = buffer
    if share_percent is not None:
        if not 0 <= share_percent <= 100:
            raise Invalid(errors=[Offence(pointer="/share_percent", code="invalid", detail="a share is 0 to 100")])
        account.share_percent = share_percent
    account.save(update_fields=["buffer", "share_percent"])
    want_account_pushed(account, anyway=False)
    return account
