"""An account's settings as the value a connector takes."""

from __future__ import annotations

from channels.connectors.base import AccountSettings, Connector
from channels.connectors.registry import connector_for
from channels.models import Account


def settings_of(account: Account) -> AccountSettings:
    return AccountSettings(base_url=account.base_url, credentials=account.credentials, options=account.options)


def connector_of(account: Account) -> Connector:
    return connector_for(account.kind)
