from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from channels.connectors import registry
from channels.connectors.base import (
    AccountSettings,
    Capability,
    Connector,
    ConnectorBase,
    FulfilmentDraft,
    ItemResult,
    Outcome,
    Rejected,
    Unsupported,
)

ACCOUNT = AccountSettings(base_url="http://127.0.0.1:9", credentials={})


class Foreign(ConnectorBase):
    """A connector of another package that can do nothing yet."""

    key = "foreign"
    label = "Foreign shop"
    settings_schema = ()
    capabilities: frozenset[Capability] = frozenset()
    limits = registry.connector_for("sandbox").limits
    rate_policy = registry.connector_for("sandbox").rate_policy

    def check(self, account: AccountSettings) -> Any:
        raise NotImplementedError


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(**wanted: Any) -> EntryPoints:
        here = EntryPoints(
            EntryPoint(name=name, value=f"{__name__}:{made}", group="retailhub.connectors")
            for name, made in (("foreign", "Foreign"), ("sandbox", "Foreign"), ("hollow", "object"))
        )
        return here.select(**wanted)

    monkeypatch.setattr(registry, "entry_points", entry_points)
    monkeypatch.setattr(registry, "connector_for", registry.connector_for.__wrapped__)


def test_the_sandbox_connector_is_one_and_keeps_the_protocol() -> None:
    connector = registry.connector_for("sandbox")

    assert isinstance(connector, Connector)
    assert registry.connector_for("sandbox") is connector
    assert connector.key == "sandbox"
    assert {field.name for field in connector.settings_schema if field.secret} == {
        "api_key",
        "webhook_secret",
        "previous_webhook_secret",
    }


def test_every_connector_of_ours_is_found_under_its_own_key() -> None:
    for kind in registry.BUILT_IN:
        assert registry.connector_for(kind).key == kind


def test_nobody_has_heard_of_this_one() -> None:
    with pytest.raises(registry.UnknownConnector, match="atlantis"):
        registry.connector_for("atlantis")


@pytest.mark.usefixtures("installed")
def test_a_package_may_bring_a_connector_but_not_replace_ours() -> None:
    assert registry.connector_kinds() == ("foreign", "hollow", "sandbox")
    assert registry.connector_for("foreign").label == "Foreign shop"
    assert registry.connector_for("sandbox").label == "Sandbox shop"


def test_what_lacks_the_verbs_is_no_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "hollow", "decimal:Decimal")

    with pytest.raises(registry.BrokenConnector):
        registry.connector_for("hollow")


def test_verbs_that_are_not_there_say_so() -> None:
    connector = Foreign()
    parcel = FulfilmentDraft(order_external_id="1", lines=(), key="k")

    verbs: list[Any] = [
        lambda: connector.discover_locations(ACCOUNT),
        lambda: connector.push_listings(ACCOUNT, []),
        lambda: connector.push_stock(ACCOUNT, []),
        lambda: connector.read_stock(ACCOUNT, []),
        lambda: connector.poll_submission(ACCOUNT, "1"),
        lambda: connector.pull_orders(ACCOUNT, None),
        lambda: connector.cursor_at(datetime.now(UTC)),
        lambda: connector.rewind("x", timedelta(1)),
        lambda: connector.fetch_order(ACCOUNT, "1"),
        lambda: connector.push_fulfilment(ACCOUNT, parcel),
        lambda: connector.register_webhook(ACCOUNT, "x"),
    ]
    for verb in verbs:
        with pytest.raises(Unsupported, match="Foreign shop cannot"):
            verb()
    assert connector.verify_webhook(ACCOUNT, {}, b"", url="x", now=datetime.now(UTC)) == Rejected(reason="unsupported")


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.STALE, Outcome.REJECTED, Outcome.THROTTLED])
def test_a_result_says_what_its_outcome_needs(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="needs"):
        ItemResult(key="k", outcome=outcome)


@pytest.mark.parametrize(("outcome", "applied"), [("ok", True), ("unchanged", True), ("unknown", False)])
def test_applied_means_that_the_channel_holds_it(outcome: str, applied: bool) -> None:
    assert ItemResult(key="k", outcome=Outcome(outcome)).applied is applied
