"""Telling a channel its stock figures: absolute, versioned, in bulk, falling figures first and zero first of all.

One figure per listing is in flight at a time. The figure is computed when it is sent, never taken from a message. No
transaction is open while the channel is called: a figure is claimed in one, sent, and settled in another. A worker that
dies in between leaves the figure claimed; after its lease it counts as sent with an unknown answer and is read back.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from channels.connectors.base import (
    Capability,
    ConnectorError,
    ItemResult,
    NeedsAuth,
    Outcome,
    Retryable,
    StockReading,
    StockTarget,
    Unknown,
)
from channels.models import Account, PushLog, StockIntent
from channels.queries import figures_of
from channels.services.health import may_call, note_failure, note_success
from channels.services.settings import connector_of, settings_of
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import rows

LEASE_SECONDS = 60
STALE_BEFORE_ALARM = 3

_CLAIM = """
WITH due AS (
    SELECT i.id FROM channels_stockintent i JOIN channels_account a ON a.id = i.account_id
    WHERE i.account_id = %s AND i.state = 'due' AND i.due_at <= clock_timestamp() AND a.state = 'live'
    ORDER BY i.urgency, i.due_at LIMIT %s FOR NO KEY UPDATE OF i SKIP LOCKED
)
UPDATE channels_stockintent i
SET state = 'sending', sent_version = i.wanted_version, key = %s, attempts = i.attempts + 1,
    leased_until = clock_timestamp() + make_interval(secs => %s)
FROM due WHERE i.id = due.id
RETURNING i.id
"""


@dataclass(slots=True)
class PushReport:
    """What one round did."""

    sent: int = 0
    confirmed: int = 0
    stale: int = 0
    again_in: float | None = None


def push_stock(*, account_id: int) -> PushReport:
    """Tell the account's channel every figure that is due, one batch, and settle each answer.

    Answers what was done; `again_in` seconds says when to come back, None when nothing is left. Safe to run many at
    once and to repeat.
    """
    account = Account.objects.select_related("channel").get(pk=account_id)
    report = PushReport()
    if account.state != Account.State.LIVE or not may_call(account):
        return report
    connector = connector_of(account)
    if Capability.STOCK not in connector.capabilities:
        return report
    _suspect_abandoned(account_id)
    resolve_unsure(account)
    claimed = _claim(account, connector.limits.stock_batch)
    if not claimed:
        report.again_in = _next_due(account_id)
        return report
    cas = Capability.STOCK_CAS in connector.capabilities
    targets = [
        StockTarget(
            listing_id=intent.listing_id,
            external_id=intent.listing.channel_code,
            quantity=intent.sent_quantity or 0,
            expected=intent.confirmed_quantity if cas else None,
            version=intent.sent_version,
            key=f"{intent.key}:{intent.listing_id}",
        )
        for intent in claimed
    ]
    started = time.monotonic()
    try:
        results = connector.push_stock(settings_of(account), targets)
    except ConnectorError as error:
        _settle_failure(account, claimed, error)
    else:
        took = round((time.monotonic() - started) * 1000)
        report.stale = _settle(account, claimed, results, took)
        report.confirmed = sum(result.applied for result in results)
        note_success(account, last_push_at=timezone.now())
    report.sent = len(claimed)
    report.again_in = _next_due(account_id)
    return report


def _claim(account: Account, most: int) -> list[StockIntent]:
    """Take what is due, most urgent first, and fix the figure each listing is to be told."""
    with transaction.atomic():
        ids = [row[0] for row in rows(_CLAIM, [account.pk, most, uuid.uuid4(), LEASE_SECONDS])]
        if not ids:
            return []
        intents = list(StockIntent.objects.filter(pk__in=ids).select_related("listing", "listing__item"))
        figures = figures_of([intent.listing_id for intent in intents])
        for intent in intents:
            intent.sent_quantity = figures[intent.listing_id].quantity
        StockIntent.objects.bulk_update(intents, ["sent_quantity"])
    intents.sort(key=lambda intent: (intent.sent_quantity or 0, intent.urgency))
    return intents


def _settle(account: Account, claimed: Sequence[StockIntent], results: Sequence[ItemResult], took: int) -> int:
    """Note what the channel answered to each figure; a figure that somebody else settled meanwhile is left alone."""
    answers = dict(zip((intent.pk for intent in claimed), results, strict=True))
    keys = {intent.pk: intent.key for intent in claimed}
    now = timezone.now()
    changed, log, alarms, settled = [], [], [], []
    stale = 0
    with transaction.atomic():
        locked = (
            StockIntent.objects.filter(pk__in=keys, state=StockIntent.State.SENDING)
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
            .select_related("listing")
        )
        for intent in locked:
            if intent.key != keys[intent.pk]:
                continue
            result = answers[intent.pk]
            lag = None
            if result.applied:
                lag = _confirm(intent, now)
                settled.append(f"listing:{intent.listing_id}")
            elif result.outcome == Outcome.STALE:
                stale += 1
                if _on_stale(intent, result, now):
                    alarms.append(_discrepancy(account, intent, result))
            elif result.outcome == Outcome.REJECTED:
                intent.state, intent.error = StockIntent.State.REFUSED, f"{result.code}: {result.message}"[:2000]
                alarms.append(_refusal(account, intent))
            elif result.outcome == Outcome.THROTTLED:
                _later(intent, result.retry_after or 1.0, result.message or result.code, now)
            else:
                intent.state, intent.error = StockIntent.State.UNSURE, result.message[:2000]
            changed.append(intent)
            log.append(
                PushLog(
                    account=account,
                    listing_id=intent.listing_id,
                    version=intent.sent_version,
                    quantity=intent.sent_quantity or 0,
                    outcome=result.outcome.value,
                    detail=(
                        result.message or result.code or (f"holds {result.actual}" if result.actual is not None else "")
                    )[:2000],
                    took_ms=took,
                    lag_ms=lag,
                )
            )
        _save(changed)
        PushLog.objects.bulk_create(log)
        raise_attention(alarms)
        for kind in ("discrepancy", "listing_refused"):
            settle_attention(kind=kind, documents=settled, by="system", at=now)
    return stale


def _confirm(intent: StockIntent, now: datetime) -> int:
    """The channel holds what was sent: in step, unless something changed meanwhile. Answers the lag in milliseconds."""
    lag = max(0, round((now - intent.wanted_at).total_seconds() * 1000))
    intent.confirmed_version, intent.confirmed_quantity = intent.sent_version, intent.sent_quantity
    intent.confirmed_at = now
    intent.lag_ms, intent.error, intent.attempts, intent.stale_in_a_row = min(lag, 2_000_000_000), "", 0, 0
    if intent.wanted_version > intent.sent_version:
        intent.state, intent.due_at = StockIntent.State.DUE, now
        intent.wanted_at, intent.wanted_again_at = intent.wanted_again_at or now, None
    else:
        intent.state = StockIntent.State.IDLE
    return intent.lag_ms


def _on_stale(intent: StockIntent, result: ItemResult, now: datetime) -> bool:
    """The channel holds another figure: believe it, compute anew and try again. Answers whether to alarm a person."""
    if result.actual_version is not None and result.actual_version >= intent.wanted_version:
        intent.wanted_version = result.actual_version
    intent.wanted_version += 1
    intent.confirmed_quantity, intent.confirmed_at = result.actual, None
    intent.stale_in_a_row += 1
    intent.state = StockIntent.State.DUE
    # The first tries come at once; a channel that keeps changing under us is given time to tell why.
    pause = 0.0 if intent.stale_in_a_row < STALE_BEFORE_ALARM else min(30.0, 2.0 ** (intent.stale_in_a_row - 2))
    intent.due_at = now + timedelta(seconds=pause)
    intent.error = f"The channel holds {result.actual}, we expected something else."
    return intent.stale_in_a_row >= STALE_BEFORE_ALARM


def _later(intent: StockIntent, seconds: float, error: str, now: datetime) -> None:
    intent.state, intent.error = StockIntent.State.DUE, error[:2000]
    intent.due_at = now + timedelta(seconds=min(seconds, 900.0))


def _settle_failure(account: Account, claimed: Sequence[StockIntent], error: ConnectorError) -> None:
    """A whole call failed. Nothing was applied, or we do not know: each figure is tried again, or read back."""
    pause = note_failure(account, error)
    now = timezone.now()
    mine = StockIntent.objects.filter(
        pk__in=[intent.pk for intent in claimed], state=StockIntent.State.SENDING, key=claimed[0].key
    )
    if isinstance(error, Unknown):
        mine.update(state=StockIntent.State.UNSURE, error=str(error)[:2000])
    elif isinstance(error, Retryable | NeedsAuth):
        mine.update(state=StockIntent.State.DUE, due_at=now + timedelta(seconds=pause), error=str(error)[:2000])
    else:
        with transaction.atomic():
            alarms = [_refusal(account, intent, str(error)) for intent in claimed[:20]]
            mine.update(state=StockIntent.State.REFUSED, error=str(error)[:2000])
            raise_attention(alarms)


def resolve_unsure(account: Account) -> int:
    """Read back every figure whose answer is not known and settle it by what the channel shows; answers how many.

    A channel that shows the version or, where it keeps none, the figure that was sent has applied it. What it shows
    otherwise is believed, and the figure of now is sent.
    """
    unsure = list(
        StockIntent.objects.filter(account=account, state=StockIntent.State.UNSURE).select_related("listing")[:200]
    )
    if not unsure:
        return 0
    connector = connector_of(account)
    try:
        readings = connector.read_stock(settings_of(account), [intent.listing.channel_code for intent in unsure])
    except ConnectorError as error:
        note_failure(account, error)
        return 0
    by_code = {reading.external_id: reading for reading in readings}
    now = timezone.now()
    with transaction.atomic():
        locked = list(
            StockIntent.objects.filter(pk__in=[i.pk for i in unsure], state=StockIntent.State.UNSURE)
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
            .select_related("listing")
        )
        for intent in locked:
            _read_back(intent, by_code.get(intent.listing.channel_code), now)
        _save(locked)
        PushLog.objects.bulk_create(
            PushLog(
                account=account,
                listing_id=intent.listing_id,
                version=intent.sent_version,
                quantity=intent.sent_quantity or 0,
                outcome="read_back",
                detail=intent.error,
                lag_ms=intent.lag_ms if intent.confirmed_version == intent.sent_version else None,
            )
            for intent in locked
        )
    return len(locked)


def _read_back(intent: StockIntent, reading: StockReading | None, now: datetime) -> None:
    if reading is None:
        # Not shown is no proof of anything: try again, and let the channel say what it is.
        _later(intent, 5.0, "The channel does not show this listing.", now)
        return
    if reading.version is not None:
        applied = reading.version == intent.sent_version
    else:
        applied = reading.quantity == intent.sent_quantity
    if applied:
        _confirm(intent, now)
        if reading.quantity != intent.confirmed_quantity:
            # It was applied, and something was sold since.
            intent.confirmed_quantity, intent.confirmed_at = reading.quantity, None
        return
    if reading.version is not None and reading.version >= intent.wanted_version:
        intent.wanted_version = reading.version
    intent.wanted_version += 1
    intent.confirmed_quantity, intent.confirmed_at = reading.quantity, None
    intent.state, intent.due_at = StockIntent.State.DUE, now
    intent.error = ""


def _suspect_abandoned(account_id: int) -> None:
    """A figure claimed by a worker that is gone was perhaps sent: its answer is not known."""
    StockIntent.objects.filter(
        account=account_id, state=StockIntent.State.SENDING, leased_until__lt=timezone.now()
    ).update(state=StockIntent.State.UNSURE, error="The worker that sent this is gone.", attempts=F("attempts"))


def _next_due(account_id: int) -> float | None:
    ((seconds,),) = rows(
        """SELECT extract(epoch FROM min(CASE WHEN state = 'due' THEN due_at ELSE leased_until END) - clock_timestamp())
           FROM channels_stockintent WHERE account_id = %s AND state IN ('due', 'sending')""",
        [account_id],
    )
    return None if seconds is None else max(0.0, float(seconds))


def _save(intents: Sequence[StockIntent]) -> None:
    StockIntent.objects.bulk_update(
        intents,
        [
            "state", "wanted_version", "confirmed_version", "confirmed_quantity", "confirmed_at", "stale_in_a_row",
            "attempts", "due_at", "wanted_at", "wanted_again_at", "lag_ms", "error",
        ],
    )  # fmt: skip


def _discrepancy(account: Account, intent: StockIntent, result: ItemResult) -> Attention:
    return Attention(
        kind="discrepancy",
        subject=f"{intent.listing.seller_sku} on {account.channel.name}",
        reason=f"The channel shows {result.actual}; we told it {intent.sent_quantity} {intent.stale_in_a_row} times.",
        document=f"listing:{intent.listing_id}",
        channel=account.channel.code,
        scope="channels:write",
        step_label="Look at the channel",
        step_url=f"/channels/{account.channel.code}/",
    )


def _refusal(account: Account, intent: StockIntent, error: str = "") -> Attention:
    return Attention(
        kind="listing_refused",
        subject=f"{intent.listing.seller_sku} on {account.channel.name}",
        reason=error or intent.error,
        document=f"listing:{intent.listing_id}",
        channel=account.channel.code,
        scope="channels:write",
        step_label="Look at the channel",
        step_url=f"/channels/{account.channel.code}/",
    )


def retry_refused(*, account: Account, listing_ids: Sequence[int] | None = None) -> int:
    """Try refused figures again; answers how many."""
    refused = StockIntent.objects.filter(account=account, state=StockIntent.State.REFUSED)
    if listing_ids is not None:
        refused = refused.filter(listing__in=listing_ids)
    return refused.update(state=StockIntent.State.DUE, due_at=timezone.now(), attempts=0)


def note_sold_there(account_id: int, sold: Mapping[int, int]) -> None:
    """The channel sold so many units of these listings itself: what it shows fell by as much, unconfirmed."""
    for listing_id, units in sold.items():
        StockIntent.objects.filter(listing=listing_id, confirmed_quantity__isnull=False).update(
            confirmed_quantity=F("confirmed_quantity") - units, confirmed_at=None
        )
