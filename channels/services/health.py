"""How well an account answers: failures in a row, pauses, and when to call again."""

from __future__ import annotations

import random
from datetime import timedelta

from django.utils import timezone

from channels.connectors.base import ConnectorError, NeedsAuth
from channels.models import Account
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention

FAILURES_TO_OPEN = 5
MOST_WAIT = 900.0


def note_success(account: Account, **seen: object) -> None:
    """The channel answered: forget its failures; `seen` are times to note, such as last_push_at."""
    if account.failures_in_a_row >= FAILURES_TO_OPEN:
        settle_attention(kind="channel_down", documents=[f"channel:{account.channel.code}"], by="system")
    Account.objects.filter(pk=account.pk).update(failures_in_a_row=0, open_again_at=None, last_error="", **seen)


def note_failure(account: Account, error: ConnectorError) -> float:
    """The channel did not answer well: count it, and answer in how many seconds to call again.

    After five failures in a row calls pause for longer each time, up to a quarter of an hour, and a person is told.
    Refused credentials pause the account at once.
    """
    failures = account.failures_in_a_row + 1
    asked = getattr(error, "retry_after", None)
    pause = min(MOST_WAIT, float(asked)) if asked else random.uniform(0.5, 1.0) * min(MOST_WAIT, 0.5 * 2**failures)  # noqa: S311
    changes: dict[str, object] = {"failures_in_a_row": failures, "last_error": str(error)[:2000]}
    if asked or failures >= FAILURES_TO_OPEN:
        changes["open_again_at"] = timezone.now() + timedelta(seconds=pause)
    if isinstance(error, NeedsAuth):
        changes |= {"state": Account.State.PAUSED, "state_reason": "The channel does not accept our credentials."}
    Account.objects.filter(pk=account.pk).update(**changes)
    account.failures_in_a_row = failures
    if failures >= FAILURES_TO_OPEN or isinstance(error, NeedsAuth):
        raise_attention(
            [
                Attention(
                    kind="channel_down",
                    subject=f"{account.channel.name} does not answer",
                    reason=str(error)[:1000],
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
    return account.open_again_at is None or account.open_again_at <= timezone.now()
