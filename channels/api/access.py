"""Channels that a principal may name."""

from __future__ import annotations

from channels.models import Account
from retailhub.core.access import Principal
from retailhub.core.errors import NotFound


def account_for(principal: Principal, code: str, scope: str = "channels:read") -> Account:
    """Answer the channel's account. Raises NotFound: others do not exist for him."""
    account = (
        Account.objects.for_principal(principal, scope)
        .filter(channel__code=code)
        .select_related("channel")
        .defer("credentials")
        .first()
    )
    if account is None:
        raise NotFound
    return account
