"""All figures of an account looked at anew, listing by listing, in transactions of a bounded size.

A place that joins a pool, or a buffer, may change a hundred thousand figures at once. What is to be looked at is one
row, written with the news of the change; workers go through the listings page by page, each page with the mark that
says how far they came. A change that comes meanwhile begins again at the first listing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from channels.models import Account, Listing, Recount
from channels.services.wanting import want_listings_pushed
from retailhub.core.bells import ring_on_commit
from retailhub.core.sql import rows
from retailhub.core.transactions import retried

PAGE = 1000

_ASK = """
INSERT INTO channels_recount (account_id, done_to, anyway, wanted_at)
SELECT a.id, 0, %s, %s FROM unnest(%s::bigint[]) AS a(id) ORDER BY a.id
ON CONFLICT (account_id) DO UPDATE SET
    done_to = 0, anyway = channels_recount.anyway OR excluded.anyway,
    wanted_at = least(channels_recount.wanted_at, excluded.wanted_at)
RETURNING account_id
"""


@transaction.atomic
def ask_recount(account_ids: Iterable[int], *, since: datetime | None = None, anyway: bool = False) -> None:
    """Have every live listing of these accounts told its figure where that changed; `anyway` also where it did not."""
    ids = sorted(set(account_ids))
    if not ids:
        return
    rows(_ASK, [anyway, since or timezone.now(), ids])
    for account_id in ids:
        ring_on_commit("channels.tasks.recount_figures", account_id)


@transaction.atomic
def want_account_pushed(account: Account, *, anyway: bool = True) -> int:
    """Have every live listing of the account told its figure, the first page of them at once; answers how many."""
    ask_recount([account.pk], anyway=anyway)
    recount_page(account_id=account.pk)
    return Listing.objects.live().filter(account=account).count()


@retried()
def recount_page(*, account_id: int) -> bool:
    """Look at the next figures of the account; answers whether there are more."""
    # Held until the page is written: who asks anew meanwhile waits, and its mark is set back after ours moved.
    recount = Recount.objects.select_for_update(no_key=True).filter(account=account_id).first()
    if recount is None:
        return False
    listings = Listing.objects.live().filter(account=account_id, pk__gt=recount.done_to).order_by("pk")
    ids = list(listings.values_list("pk", flat=True)[:PAGE])
    want_listings_pushed(ids, since=recount.wanted_at, anyway=recount.anyway)
    if len(ids) < PAGE:
        recount.delete()
        return False
    recount.done_to = ids[-1]
    recount.save(update_fields=["done_to"])
    return True
