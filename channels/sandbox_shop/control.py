"""The control desk: script faults, read the journal, set the clock wrong, meddle with figures. For tests and demos."""

from __future__ import annotations

from channels.sandbox_shop import faults, journal, listings, messages, order_book, reading, sales
from channels.sandbox_shop.doors import Call
from channels.sandbox_shop.replay import Answer
from channels.sandbox_shop.shop import API_KEY
from channels.sandbox_shop.store import write_setting

MOST_RULES = 200
MOST_ENTRIES = 10_000


def set_faults(call: Call) -> Answer:
    """Replace the fault script; an empty list ends all trouble."""
    rules = [faults.read_rule(entry) for entry in reading.entries(call.data, "rules", least=0, most=MOST_RULES)]
    call.shop.faults.load(rules, reading.whole(call.data, "seed", least=0, most=2**62, default=0))
    return tell_faults(call)


def clear_faults(call: Call) -> Answer:
    call.shop.faults.load([], 0)
    return tell_faults(call)


def calm_down(call: Call) -> Answer:
    call.shop.calm_down()
    return tell_faults(call)


def tell_faults(call: Call) -> Answer:
    return Answer({"rules": call.shop.faults.told()})


def read_log(call: Call) -> Answer:
    """Journal entries after `since`, oldest first; `kind` may be named several times."""
    since = call.number("since", default=0, least=0, most=10**18 - 1)
    limit = call.number("limit", default=MOST_ENTRIES, least=1, most=MOST_ENTRIES)
    with call.shop.store.reading() as db:
        told = journal.entries(db, since=since, kinds=call.request.GET.getlist("kind"), most=limit + 1)
    return Answer({"entries": told[:limit], "more": len(told) > limit})


def set_clock(call: Call) -> Answer:
    """Stop the clock at the present instant, or let it run with a skew of so many seconds."""
    if reading.yes(call.data, "stopped", default=False):
        call.shop.clock.stop()
    else:
        call.shop.clock.skew(reading.whole(call.data, "skew_seconds", least=-(10**7), most=10**7, default=0))
    return Answer({"now": call.shop.clock.stamp()})


def set_limits(call: Call) -> Answer:
    """Change the rate limit and the time every call takes; what is not named goes back to the default."""
    per_second = reading.whole(call.data, "per_second", least=1, most=1_000_000, default=50)
    burst = reading.whole(call.data, "burst", least=1, most=1_000_000, default=100)
    call.shop.bucket.set(per_second, burst)
    call.shop.latency = reading.seconds(call.data, "latency_ms", default=0, most=60_000) / 1000
    return Answer({"per_second": per_second, "burst": burst, "latency_ms": call.shop.latency * 1000})


def set_credentials(call: Call) -> Answer:
    """Change the API key or the webhook secret from one moment to the next."""
    changed = []
    with call.shop.store.transaction() as db:
        if "api_key" in call.data:
            write_setting(db, API_KEY, reading.text(call.data, "api_key", most=200))
            changed.append("api_key")
        if "webhook_secret" in call.data:
            secret = reading.text(call.data, "webhook_secret", most=200)
            write_setting(db, messages.SECRET, messages.checked_secret(secret))
            changed.append("webhook_secret")
    return Answer({"changed": changed})


def meddle_with_listing(call: Call, listing_id: str) -> Answer:
    with call.shop.store.transaction() as db:
        return Answer(listings.meddle(db, listing_id, call.data, now=call.shop.clock.stamp()))


def edit_order(call: Call, order_id: str) -> Answer:
    with call.shop.store.transaction() as db:
        sale_id = sales.edit_sale(db, order_id, call.data, now=call.shop.clock.stamp())
        answer = Answer(order_book.order_payload(db, sales.sale_or_refusal(db, sale_id)))
    call.shop.sender.ring()
    return answer


def tell_messages(call: Call) -> Answer:
    with call.shop.store.reading() as db:
        return Answer({"messages": messages.counts(db)})
