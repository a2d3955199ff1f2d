"""Dead letters tried again, once a person has mended what killed them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from retailhub.core.bells import ring_on_commit
from retailhub.core.services.attending import settle_attention
from retailhub.outbox.models import Delivery


def replay(*, delivery_ids: Sequence[int], by: str) -> int:
    """Let dead letters be tried again from the first attempt; answers how many there were."""

    with transaction.atomic():
        count = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.DEAD).update(
            state=Delivery.State.WAITING, attempts=0, error="", due_at=timezone.now()
        )
        settle_attention(kind="dead_letter", documents=[f"delivery:{pk}" for pk in delivery_ids], by=by)
        ring_on_commit("retailhub.outbox.tasks.deliver_waiting")
    return count
