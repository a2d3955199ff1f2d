"""The shop's API, call by call: read the request, act in one transaction, answer."""

from __future__ import annotations

from channels.sandbox_shop import journal, listings, messages, order_book, reading, replay, sales, stock
from channels.sandbox_shop.doors import Call
from channels.sandbox_shop.refusals import Refusal
from channels.sandbox_shop.replay import Answer
from channels.sandbox_shop.store import read_setting, write_setting


def tell_shop(call: Call) -> Answer:
    """Who this shop is; also the way to try a key."""
    return Answer({"name": call.shop.name, "now": call.shop.clock.stamp(), "stock_batch": stock.BATCH})


def save_listings(call: Call) -> Answer:
    wanted = reading.entries(call.data, "listings", most=listings.BATCH)
    with call.shop.store.transaction() as db:
        now = call.shop.clock.stamp()
        return Answer({"results": listings.save_listings(db, wanted, now=now, failing=call.failing)})


def list_listings(call: Call) -> Answer:
    after = call.number("after", default=0, least=0, most=10**18 - 1)
    with call.shop.store.reading() as db:
        rows = listings.all_listings(db, after=after, most=listings.PAGE + 1)
    told = [listings.listing_payload(row) for row in rows[: listings.PAGE]]
    more = len(rows) > listings.PAGE
    return Answer({"listings": told, "next_after": told[-1]["id"] if more else None})


def remove_listing(call: Call, listing_id: str) -> Answer:
    with call.shop.store.transaction() as db:
        row = listings.listing_or_refusal(db, listing_id)
        db.execute("DELETE FROM listing WHERE id = ?", (row["id"],))
    return Answer({"listing_id": listing_id, "outcome": "removed"})


def push_stock(call: Call) -> Answer:
    key = call.key
    wanted = reading.entries(call.data, "entries", most=stock.BATCH)
    with call.shop.store.transaction() as db:
        now = call.shop.clock.stamp()

        def act() -> Answer:
            results = stock.apply_stock(
                db, wanted, now=now, key=key, received_at=call.received_at, failing=call.failing
            )
            return Answer({"results": results}, final=any(told["outcome"] != "try_again" for told in results))

        return replay.once(db, operation="stock.bulk", key=key, raw=call.raw, act=act)


def read_stock(call: Call) -> Answer:
    """Figures of the listings asked for, what the shop does not know named; or all figures, page by page."""
    after = call.number("after", default=0, least=0, most=10**18 - 1)
    asked = list(dict.fromkeys(call.request.GET.getlist("listing")))
    if len(asked) > stock.BATCH:
        raise Refusal(400, "too_many_entries", f"Ask for at most {stock.BATCH} listings.", field="listing")
    with call.shop.store.reading() as db:
        if asked:
            found = {listing_id: listings.find_listing(db, listing_id) for listing_id in asked}
        else:
            found = {str(row["id"]): row for row in listings.all_listings(db, after=after, most=listings.PAGE)}
    told = [
        {"listing_id": str(row["id"]), "sku": row["sku"], "quantity": row["quantity"], "version": row["version"]}
        for row in found.values()
        if row is not None
    ]
    return Answer(
        {
            "stock": told,
            "not_found": [listing_id for listing_id, row in found.items() if row is None],
            "next_after": told[-1]["listing_id"] if not asked and len(told) == listings.PAGE else None,
        }
    )


def list_orders(call: Call) -> Answer:
    limit = call.number("limit", default=order_book.PAGE, least=1, most=order_book.MOST)
    position = call.request.GET.get("updated_after", "")
    with call.shop.store.reading() as db:
        return Answer(order_book.changed_after(db, position, limit=limit))


def read_order(call: Call, order_id: str) -> Answer:
    with call.shop.store.reading() as db:
        return Answer(order_book.order_payload(db, sales.sale_or_refusal(db, order_id)))


def place_order(call: Call) -> Answer:
    """Buy, as a customer's app would. With a key, asking twice buys once."""
    key, wanted = call.optional_key, call.data
    try:
        with call.shop.store.transaction() as db:
            now = call.shop.clock.stamp()

            def act() -> Answer:
                sale_id = sales.place_sale(db, wanted, now=now, prefix=call.shop.number_prefix)
                return Answer(order_book.order_payload(db, sales.sale_or_refusal(db, sale_id)), 201)

            answer = act() if key is None else replay.once(db, operation="order", key=key, raw=call.raw, act=act)
    except Refusal as refusal:
        if refusal.code == "sold_out":
            with call.shop.store.transaction() as db:
                journal.write(db, journal.SALE_REFUSED, refusal.details, at=call.received_at)
        raise
    call.shop.sender.ring()
    return answer


def cancel_order(call: Call, order_id: str) -> Answer:
    wanted = call.optional_data
    with call.shop.store.transaction() as db:
        sale_id = sales.cancel_sale(db, order_id, wanted, now=call.shop.clock.stamp())
        answer = Answer(order_book.order_payload(db, sales.sale_or_refusal(db, sale_id)))
    call.shop.sender.ring()
    return answer


def fulfil_order(call: Call, order_id: str) -> Answer:
    key, wanted = call.key, call.data
    with call.shop.store.transaction() as db:
        now = call.shop.clock.stamp()

        def act() -> Answer:
            return Answer(sales.fulfil_sale(db, order_id, wanted, now=now), 201)

        answer = replay.once(db, operation="fulfilment", key=key, raw=call.raw, act=act, subject=order_id)
    call.shop.sender.ring()
    return answer


def put_webhook(call: Call) -> Answer:
    """Register the URL that gets the news, and try it with a ping."""
    url = messages.check_target(reading.text(call.data, "url", most=500))
    with call.shop.store.transaction() as db:
        write_setting(db, messages.TARGET, url)
        messages.enqueue(db, "ping", {}, now=call.shop.clock.stamp())
    call.shop.sender.ring()
    return read_webhook(call)


def delete_webhook(call: Call) -> Answer:
    with call.shop.store.transaction() as db:
        write_setting(db, messages.TARGET, None)
        db.execute("UPDATE message SET state = 'dropped' WHERE state = 'waiting'")
    return read_webhook(call)


def read_webhook(call: Call) -> Answer:
    with call.shop.store.reading() as db:
        return Answer({"url": read_setting(db, messages.TARGET), "messages": messages.counts(db)})
