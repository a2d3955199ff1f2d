"""How well an account answers: failures in a row, pauses, and when to call again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from channels.connectors.base import ConnectorError, NeedsAuth
from channels.models import Account
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention
from retailhub.core.sql import rows

FAILURES_TO_OPEN = 5
MOST_WAIT = 900.0

_COUNT_FAILURE = """
UPDATE channels_account SET failures_in_a_row = failures_in_a_row + 1, last_error = %s WHERE id = %s
RETURNING failures_in_a_row
"""


def note_success(account: Account, **seen: datetime) -> None:
    """The channel answered: forget its failures; `seen` are times to note, such as last_push_at.

    A pause that it asked for meanwhile, by another call, stands.
    """
    if account.failures_in_a_row or account.last_error:
        settle_attention(kind="channel_down", documents=[f"channel:{account.channel.code}"], by="system")
    now = timezone.now()
    Account.objects.filter(pk=account.pk).update(
        failures_in_a_row=0,
        open_again_at=Case(When(open_again_at__lte=now, then=Value(None)), default=F("open_again_at")),
        last_error="",
        **seen,
    )


@transaction.atomic
def note_failure(account: Account, error: ConnectorError) -> float:
    """The channel did not answer well: count it, and answer in how many seconds to call again.

    After five failures in a row calls pause for longer each time, up to a quarter of an hour, and a person is told.
    Refused credentials pause the account at once.
    """
    message = str(error)[:2000] or error.code
    ((failures,),) = rows(_COUNT_FAILURE, [message, account.pk])
    asked = getattr(error, "retry_after", None)
    pause = (
        min(MOST_WAIT, float(asked))
        if asked
        else random.uniform(0.5, 1.0) * min(MOST_WAIT, 0.5 * 2.0 ** min(failures, 12))  # noqa: S311  jitter
    )
    account.failures_in_a_row, account.last_error = failures, message
    if asked or failures >= FAILURES_TO_OPEN:
        until = timezone.now() + timedelta(seconds=pause)
        account.open_again_at = max(until, account.open_again_at or until)
        # Two calls that fail at once: the longer pause counts.
        Account.objects.filter(pk=account.pk).exclude(open_again_at__gt=until).update(open_again_at=until)
    if isinstance(error, NeedsAuth):
        account.state, account.state_reason = Account.State.PAUSED, "The channel does not accept our credentials."
        account.save(update_fields=["state", "state_reason"])
    if failures >= FAILURES_TO_OPEN or isinstance(error, NeedsAuth):
        raise_attention(
            [
                Attention(
                    kind="channel_down",
                    subject=f"{account.channel.name} does not answer",
                    reason=message[:1000],
                    document=f"channel:{account.channel.code}",
                    channel=account.channel.code,
                    scope="channels:write",
                    step_label="Look at the channel",
                    step_url=f"/channels/{account.channel.code}/",
                )
            ]
        )
    return pause


def may_call(account: Account) -> bool:
    """Whether the channel may be called now: neither rate limit nor breaker holds it."""
    return seconds_to_call(account) == 0


def seconds_to_call(account: Account) -> float:
    """In how many seconds the channel may be called; 0: now."""
    if account.open_again_at is None:
        return 0.0
    return max(0.0, (account.open_again_at - timezone.now()).total_seconds())
