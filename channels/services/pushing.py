"""Telling a channel its stock figures: absolute, versioned, in bulk, falling figures first and zero first of all.

One figure per listing is in flight at a time. The figure is computed when it is sent, never taken from a message. No
transaction is open while the channel is called: a figure is claimed in one, sent, and settled in another. A worker that
dies in between leaves the figure claimed; after its lease it counts as sent with an unknown answer and is read back.
A channel that holds another figure than we thought has sold something: its orders are read before it is told anew.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from channels.connectors.base import (
    Capability,
    Connector,
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
from channels.services.health import note_failure, note_success, seconds_to_call
from channels.services.pulling import pull_orders
from channels.services.settings import connector_of, settings_of
from channels.services.wanting import ring_push
from retailhub.core.errors import TryAgain
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import OneTrip, rows

# Longer than a call may take (20 s): whoever finds a lease run out may take it that nobody waits for the answer.
LEASE_SECONDS = 25
STALE_BEFORE_ALARM = 3
# When the orders that should explain a channel's figure cannot be read, or its figures cannot be read back.
LOOK_AGAIN_SECONDS = 2.0

# Every sending has a version of its own, be it a repetition, so that what the channel holds tells which one it applied.
_CLAIM = """
WITH due AS (
    SELECT i.id FROM channels_stockintent i JOIN channels_account a ON a.id = i.account_id
    WHERE i.account_id = %s AND i.state = 'due' AND i.due_at <= clock_timestamp() AND a.state = 'live'
      AND (a.open_again_at IS NULL OR a.open_again_at <= clock_timestamp())
      AND (i.stale_at IS NULL OR a.last_pull_at >= i.stale_at OR NOT %s)
    ORDER BY i.urgency, i.due_at LIMIT %s FOR NO KEY UPDATE OF i SKIP LOCKED
)
UPDATE channels_stockintent i
SET state = 'sending', wanted_version = greatest(i.wanted_version, i.sent_version + 1),
    sent_version = greatest(i.wanted_version, i.sent_version + 1), key = %s, attempts = i.attempts + 1,
    leased_until = clock_timestamp() + make_interval(secs => %s)
FROM due WHERE i.id = due.id
RETURNING i.id
"""

_SUSPECT = """
WITH gone AS (
    SELECT id FROM channels_stockintent
    WHERE account_id = %s AND state = 'sending' AND leased_until < clock_timestamp()
    ORDER BY listing_id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE channels_stockintent i
SET state = 'unsure', due_at = clock_timestamp(), error = 'The worker that sent this is gone.'
FROM gone WHERE i.id = gone.id RETURNING i.id
"""

_NEXT_DUE = """
SELECT extract(epoch FROM min(due_at) - clock_timestamp()) FROM channels_stockintent
WHERE account_id = %s AND state IN ('due', 'unsure')
"""

_WAIT_FOR_ORDERS = """
WITH mine AS (
    SELECT id FROM channels_stockintent
    WHERE account_id = %s AND state = 'due' AND stale_at IS NOT NULL AND due_at <= clock_timestamp()
    ORDER BY listing_id FOR NO KEY UPDATE
)
UPDATE channels_stockintent i SET due_at = clock_timestamp() + make_interval(secs => %s)
FROM mine WHERE i.id = mine.id RETURNING i.id
"""

_READ_BACK_LATER = """
WITH mine AS (
    SELECT id FROM channels_stockintent WHERE id = ANY(%s) AND state = 'unsure'
    ORDER BY listing_id FOR NO KEY UPDATE
)
UPDATE channels_stockintent i SET due_at = clock_timestamp() + make_interval(secs => %s)
FROM mine WHERE i.id = mine.id RETURNING i.id
"""

_SENT_AGAIN = """
WITH mine AS (
    SELECT id FROM channels_stockintent WHERE id = ANY(%s) AND state = 'sending' AND key = %s
    ORDER BY listing_id FOR NO KEY UPDATE
)
UPDATE channels_stockintent i SET state = %s, due_at = clock_timestamp() + make_interval(secs => %s), error = %s
FROM mine WHERE i.id = mine.id RETURNING i.id
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
    if account.state != Account.State.LIVE:
        return report
    connector = connector_of(account)
    if Capability.STOCK not in connector.capabilities:
        return report
    if not seconds_to_call(account):
        _push(account, connector, report)
    due_in = next_due(account_id)
    if due_in is not None and account.state == Account.State.LIVE:
        report.again_in = max(due_in, seconds_to_call(account))
    return report


def _push(account: Account, connector: Connector, report: PushReport) -> None:
    if not _look_first(account, connector):
        return
    claimed = _claim(account, connector)
    if not claimed:
        return
    report.sent = len(claimed)
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
        return
    took = round((time.monotonic() - started) * 1000)
    report.confirmed, report.stale = _settle(account, claimed, results, took)
    if all(result.outcome == Outcome.THROTTLED for result in results):
        wait = max(result.retry_after or 0.0 for result in results)
        note_failure(account, Retryable(results[0].message or results[0].code, retry_after=wait))
    elif any(result.outcome != Outcome.UNKNOWN for result in results):
        note_success(account, last_push_at=timezone.now())
    else:
        note_failure(account, Unknown(results[0].message or results[0].code))


def _look_first(account: Account, connector: Connector) -> bool:
    """Read back what may have been sent, and the orders that explain a figure we did not expect.

    Answers whether the channel may be told more now.
    """
    if _has("state = 'sending' AND leased_until < clock_timestamp()", account):
        rows(_SUSPECT, [account.pk])
    resolve_unsure(account)
    if (
        not seconds_to_call(account)
        and Capability.ORDERS in connector.capabilities
        and _has("state = 'due' AND stale_at > coalesce((SELECT last_pull_at FROM channels_account "
                 "WHERE id = account_id), '-infinity')", account)
    ):  # fmt: skip
        busy = False
        try:
            pull_orders(account_id=account.pk, newest_only=True)
        except TryAgain:
            busy = True  # somebody else has these orders' goods in hand
        # Its own failures and pauses count here too.
        account.refresh_from_db(fields=["state", "failures_in_a_row", "last_error", "open_again_at", "last_pull_at"])
        if busy or account.failures_in_a_row:
            # The figures that wait for these orders stay; others may go.
            rows(_WAIT_FOR_ORDERS, [account.pk, LOOK_AGAIN_SECONDS])
    return account.state == Account.State.LIVE and not seconds_to_call(account)


def _has(condition: str, account: Account) -> bool:
    return bool(
        rows(f"SELECT 1 FROM channels_stockintent WHERE account_id = %s AND {condition} LIMIT 1", [account.pk])  # noqa: S608
    )


def _claim(account: Account, connector: Connector) -> list[StockIntent]:
    """Take what is due, most urgent first, and fix the figure each listing is to be told."""
    reads_orders = Capability.ORDERS in connector.capabilities
    with transaction.atomic():
        values = [account.pk, reads_orders, connector.limits.stock_batch, uuid.uuid4(), LEASE_SECONDS]
        ids = [row[0] for row in rows(_CLAIM, values)]
        if not ids:
            return []
        intents = list(StockIntent.objects.filter(pk__in=ids).select_related("listing"))
        figures = figures_of([intent.listing_id for intent in intents])
        for intent in intents:
            intent.sent_quantity = figures[intent.listing_id].quantity
        trip = OneTrip()
        trip.update(
            StockIntent, {"id": [i.pk for i in intents]}, put={"sent_quantity": [i.sent_quantity for i in intents]}
        )
        trip.run()
    intents.sort(key=lambda intent: (intent.urgency, intent.sent_quantity or 0))
    return intents


def _settle(
    account: Account, claimed: Sequence[StockIntent], results: Sequence[ItemResult], took: int
) -> tuple[int, int]:
    """Note what the channel answered to each figure; a figure that somebody else settled meanwhile is left alone.

    Answers how many it took, and how many it held another figure for.
    """
    answers = {intent.pk: (intent.key, result) for intent, result in zip(claimed, results, strict=True)}
    now = timezone.now()
    changed, log, alarms, settled = [], [], [], []
    confirmed = stale = 0
    with transaction.atomic():
        for intent in _locked(list(answers), StockIntent.State.SENDING):
            key, result = answers[intent.pk]
            if intent.key != key:
                continue
            lag = None
            if result.applied or _was_applied(intent, result):
                if intent.error:
                    settled.append(f"listing:{intent.listing_id}")
                lag = _confirm(intent, now)
                confirmed += 1
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
                _not_sure(intent, result.message or result.code, now)
            changed.append(intent)
            detail = result.message or result.code or (f"holds {result.actual}" if result.actual is not None else "")
            log.append(_entry(intent, result.outcome.value, detail, took, lag))
        _save(changed, log)
        raise_attention(alarms)
        _settle_alarms(settled, now)
    return confirmed, stale


def _locked(ids: Sequence[int], state: StockIntent.State) -> list[StockIntent]:
    return list(
        StockIntent.objects.filter(pk__in=ids, state=state)
        .order_by("listing_id")
        .select_for_update(of=("self",), no_key=True)
        .select_related("listing")
    )


def _was_applied(intent: StockIntent, result: ItemResult) -> bool:
    """Whether a refusal says that just this sending was applied before: its answer got lost and it was repeated."""
    return (
        result.outcome == Outcome.STALE
        and result.actual_version == intent.sent_version
        and result.actual == intent.sent_quantity
    )


def _confirm(intent: StockIntent, now: datetime) -> int:
    """The channel holds what was sent: in step, unless something changed meanwhile. Answers the lag in milliseconds."""
    lag = max(0, round((now - intent.wanted_at).total_seconds() * 1000))
    intent.confirmed_version, intent.confirmed_quantity = intent.sent_version, intent.sent_quantity
    intent.confirmed_at = now
    intent.lag_ms, intent.error, intent.attempts = min(lag, 2_000_000_000), "", 0
    intent.stale_in_a_row, intent.stale_at = 0, None
    if intent.wanted_version > intent.sent_version:
        intent.state, intent.due_at = StockIntent.State.DUE, now
        intent.wanted_at, intent.wanted_again_at = intent.wanted_again_at or now, None
    else:
        intent.state = StockIntent.State.IDLE
    return intent.lag_ms


def _on_stale(intent: StockIntent, result: ItemResult, now: datetime) -> bool:
    """The channel holds another figure: believe it, compute anew and try again. Answers whether to alarm a person."""
    _believe(intent, result.actual, result.actual_version, now)
    intent.stale_in_a_row += 1
    # The first tries come at once; a channel that keeps changing under us is given time to tell why.
    pause = 0.0 if intent.stale_in_a_row < STALE_BEFORE_ALARM else min(30.0, 2.0 ** (intent.stale_in_a_row - 2))
    intent.due_at = now + timedelta(seconds=pause)
    intent.error = f"The channel holds {result.actual}, we expected something else."
    return intent.stale_in_a_row >= STALE_BEFORE_ALARM


def _believe(intent: StockIntent, quantity: int | None, version: int | None, now: datetime) -> None:
    """The channel holds this: what it is told next is newer than that, and not before its orders were read."""
    intent.wanted_version = max(intent.wanted_version, version or 0) + 1
    intent.confirmed_quantity, intent.confirmed_at, intent.stale_at = quantity, None, now
    intent.state, intent.due_at = StockIntent.State.DUE, now


def _later(intent: StockIntent, seconds: float, error: str, now: datetime) -> None:
    intent.state, intent.error = StockIntent.State.DUE, error[:2000]
    intent.due_at = now + timedelta(seconds=min(seconds, 900.0))


def _not_sure(intent: StockIntent, error: str, now: datetime) -> None:
    intent.state, intent.due_at, intent.error = StockIntent.State.UNSURE, now, error[:2000] or "No answer came."


def _settle_failure(account: Account, claimed: Sequence[StockIntent], error: ConnectorError) -> None:
    """A whole call failed. Nothing was applied, or we do not know: each figure is tried again, or read back."""
    pause = note_failure(account, error)
    ids, key, message = [intent.pk for intent in claimed], claimed[0].key, str(error)[:2000]
    with transaction.atomic():
        if isinstance(error, Unknown):
            rows(_SENT_AGAIN, [ids, key, "unsure", 0.0, message])
        elif isinstance(error, Retryable | NeedsAuth):
            rows(_SENT_AGAIN, [ids, key, "due", pause, message])
        else:
            rows(_SENT_AGAIN, [ids, key, "refused", 0.0, message])
            raise_attention([_refusal(account, intent, message) for intent in claimed])


def resolve_unsure(account: Account) -> int:
    """Read back every figure whose answer is not known and settle it by what the channel shows; answers how many.

    A channel that shows the version or, where it keeps none, the figure that was sent has applied it. What it shows
    otherwise is believed, and the figure of now is sent.
    """
    unsure = list(
        StockIntent.objects.filter(account=account, state=StockIntent.State.UNSURE, due_at__lte=timezone.now())
        .select_related("listing")
        .order_by("urgency", "due_at")[:250]
    )
    if not unsure:
        return 0
    connector = connector_of(account)
    ids = [intent.pk for intent in unsure]
    try:
        readings = connector.read_stock(settings_of(account), [intent.listing.channel_code for intent in unsure])
    except ConnectorError as error:
        pause = max(LOOK_AGAIN_SECONDS, note_failure(account, error))
        rows(_READ_BACK_LATER, [ids, pause])
        return 0
    by_code = {reading.external_id: reading for reading in readings}
    sent = {intent.pk: intent.sent_version for intent in unsure}
    now = timezone.now()
    settled, log, changed = [], [], []
    with transaction.atomic():
        for intent in _locked(ids, StockIntent.State.UNSURE):
            if intent.sent_version != sent[intent.pk]:
                continue
            lag = _read_back(intent, by_code.get(intent.listing.channel_code), now)
            changed.append(intent)
            log.append(_entry(intent, "read_back", intent.error, 0, lag))
            if lag is not None:
                settled.append(f"listing:{intent.listing_id}")
        _save(changed, log)
        _settle_alarms(settled, now)
    return len(changed)


def _read_back(intent: StockIntent, reading: StockReading | None, now: datetime) -> int | None:
    """Settle by what the channel shows. Answers the lag when it had applied what was sent, else None."""
    if reading is None:
        # Not shown is no proof of anything: try again, and let the channel say what it is.
        _later(intent, 5.0, "The channel does not show this listing.", now)
        return None
    same = reading.quantity == intent.sent_quantity
    applied = same if reading.version is None else reading.version == intent.sent_version
    if applied and same:
        return _confirm(intent, now)
    if applied:
        # It was applied, and something was sold since.
        lag = _confirm(intent, now)
        intent.wanted_at, intent.wanted_again_at = now, None
        _believe(intent, reading.quantity, reading.version, now)
        return lag
    expected = intent.confirmed_quantity
    _believe(intent, reading.quantity, reading.version, now)
    if reading.quantity == expected:
        intent.stale_at = None  # as we thought: no order explains anything
    intent.error = ""
    return None


def next_due(account_id: int) -> float | None:
    """Answer in how many seconds a figure of the account is due or to be read back; None when there is none."""
    ((seconds,),) = rows(_NEXT_DUE, [account_id])
    return None if seconds is None else max(0.0, float(seconds))


_SETTLED = (
    "state", "wanted_version", "confirmed_version", "confirmed_quantity", "confirmed_at", "stale_in_a_row", "stale_at",
    "attempts", "due_at", "wanted_at", "wanted_again_at", "lag_ms", "error",
)  # fmt: skip
_LOGGED = ("account", "listing", "version", "quantity", "outcome", "detail", "took_ms", "lag_ms")


def _entry(intent: StockIntent, outcome: str, detail: str, took: int, lag: int | None) -> tuple[object, ...]:
    return (
        intent.account_id, intent.listing_id, intent.sent_version, intent.sent_quantity or 0, outcome, detail[:2000],
        took, lag,
    )  # fmt: skip


def _save(intents: Sequence[StockIntent], log: Sequence[tuple[object, ...]]) -> None:
    """Write what was settled, and the log of it, in one round trip."""
    if not intents:
        return
    trip = OneTrip()
    put = {name: [getattr(intent, name) for intent in intents] for name in _SETTLED}
    trip.update(StockIntent, {"id": [intent.pk for intent in intents]}, put=put)
    trip.insert(PushLog, dict(zip(_LOGGED, map(list, zip(*log, strict=True)), strict=True)))
    trip.run()


def _settle_alarms(documents: Sequence[str], now: datetime) -> None:
    if documents:
        for kind in ("discrepancy", "listing_refused"):
            settle_attention(kind=kind, documents=documents, by="system", at=now)


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
        reason=(error or intent.error)[:1000],
        document=f"listing:{intent.listing_id}",
        channel=account.channel.code,
        scope="channels:write",
        step_label="Look at the channel",
        step_url=f"/channels/{account.channel.code}/",
    )


def retry_refused(*, account: Account, listing_ids: Sequence[int] | None = None) -> int:
    """Try refused figures again; answers how many."""
    refused = StockIntent.objects.filter(account=account)
    if listing_ids is not None:
        refused = refused.filter(listing__in=listing_ids)
    now = timezone.now()
    with transaction.atomic():
        mine = _locked(list(refused.values_list("pk", flat=True)), StockIntent.State.REFUSED)
        StockIntent.objects.filter(pk__in=[intent.pk for intent in mine]).update(
            state=StockIntent.State.DUE, due_at=now, wanted_at=now, attempts=0
        )
        if mine:
            ring_push(account.pk)
    return len(mine)
