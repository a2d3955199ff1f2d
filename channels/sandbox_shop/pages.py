"""The pages: a shop front where a person can buy, and a back room with the latest orders and stock figures."""

from __future__ import annotations

import json
import secrets
import sqlite3
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render

from channels.sandbox_shop import journal, listings, replay, sales
from channels.sandbox_shop.doors import View
from channels.sandbox_shop.refusals import Refusal
from channels.sandbox_shop.replay import Answer
from channels.sandbox_shop.shop import Shop, the_shop

ASSETS = Path(__file__).parent / "assets"
RECENT = 25
MOST_SHOWN = 500


class BuyForm(forms.Form):
    quantity = forms.IntegerField(min_value=1, max_value=9999)
    name = forms.CharField(max_length=200)
    email = forms.EmailField(max_length=254)
    line1 = forms.CharField(max_length=200, required=False)
    postcode = forms.CharField(max_length=20, required=False)
    city = forms.CharField(max_length=100, required=False)
    country = forms.RegexField(r"^[A-Za-z]{2}$", required=False)
    purchase = forms.RegexField(r"^[A-Za-z0-9_-]{16,64}$")


def shop_front(request: HttpRequest) -> HttpResponse:
    shop = the_shop()
    with shop.store.reading() as db:
        rows = listings.all_listings(db, most=MOST_SHOWN)
    return _page(request, "front.html", {"listings": [_shown(row) for row in rows]})


def checkout(request: HttpRequest, listing_id: str) -> HttpResponseBase:
    """Ask for name and address on GET, sell on POST. The form's own key makes a double click one sale."""
    shop = the_shop()
    with shop.store.reading() as db:
        row = listings.find_listing(db, listing_id)
    if row is None:
        return _page(request, "gone.html", {}, status=404)
    if request.method != "POST":
        quantity = request.GET.get("quantity", "1")
        start = {"quantity": int(quantity) if quantity.isascii() and quantity.isdigit() and len(quantity) < 5 else 1}
        form = BuyForm(initial=start | {"purchase": secrets.token_urlsafe(24)})
        return _page(request, "checkout.html", {"listing": _shown(row), "form": form})
    form = BuyForm(request.POST)
    status, trouble = 422, ""
    if form.is_valid():
        try:
            return redirect(f"/thanks/{_buy(shop, row, form.cleaned_data)}")
        except Refusal as refusal:
            status, trouble = refusal.status, refusal.message
            with shop.store.reading() as db:
                row = listings.find_listing(db, listing_id) or row
            if refusal.code == "sold_out":
                left = max(0, row["quantity"])
                trouble = f"Sorry, only {left} left." if left else "Sorry, this has just been sold out."
    return _page(request, "checkout.html", {"listing": _shown(row), "form": form, "trouble": trouble}, status=status)


def _buy(shop: Shop, listing: sqlite3.Row, given: dict[str, Any]) -> str:
    """Place the order; answers the token of its confirmation page."""
    country = given["country"].upper()
    address = {field: given[field] for field in ("name", "line1", "postcode", "city")} | {"country": country}
    wanted = {
        "customer": {"name": given["name"], "email": given["email"]},
        "lines": [{"sku": listing["sku"], "quantity": given["quantity"]}],
        "shipping_address": address if given["line1"] else None,
    }
    try:
        with shop.store.transaction() as db:
            now = shop.clock.stamp()

            def act() -> Answer:
                sale_id = sales.place_sale(db, wanted, now=now, prefix=shop.number_prefix)
                return Answer({"token": sales.sale_or_refusal(db, sale_id)["token"]})

            raw = json.dumps(wanted).encode()
            answer = replay.once(db, operation="page", key=given["purchase"], raw=raw, act=act)
    except Refusal as refusal:
        if refusal.code == "sold_out":
            with shop.store.transaction() as db:
                journal.write(db, journal.SALE_REFUSED, refusal.details)
        raise
    shop.sender.ring()
    return str(answer.payload["token"])


def thanks(request: HttpRequest, token: str) -> HttpResponse:
    with the_shop().store.reading() as db:
        sale = db.execute("SELECT * FROM sale WHERE token = ?", (token,)).fetchone()
        if sale is None:
            raise Http404
        lines = db.execute(
            "SELECT sale_line.*, listing.quantity AS left_over FROM sale_line"
            " LEFT JOIN listing ON listing.id = sale_line.listing_id WHERE sale_id = ? ORDER BY sale_line.id",
            (sale["id"],),
        ).fetchall()
    shown = [dict(line) | {"total": Decimal(line["unit_price"]) * line["quantity"]} for line in lines]
    customer = json.loads(sale["customer"])
    return _page(request, "thanks.html", {"sale": sale, "lines": shown, "customer": customer})


def back_room(request: HttpRequest) -> HttpResponse:
    """Recent orders and recent stock figures, without anybody's name."""
    with the_shop().store.reading() as db:
        recent = db.execute(
            "SELECT sale.*, (SELECT group_concat(quantity || ' x ' || sku, ', ') FROM sale_line"
            " WHERE sale_id = sale.id) AS content FROM sale ORDER BY id DESC LIMIT ?",
            (RECENT,),
        ).fetchall()
        rows = db.execute(
            "SELECT at, kind, data FROM journal WHERE kind IN (?, ?, ?) ORDER BY seq DESC LIMIT ?",
            (journal.STOCK_WRITE, journal.STOCK_REFUSED, journal.STOCK_SET, RECENT),
        ).fetchall()
    writes = [{"at": row["at"], "kind": row["kind"], **json.loads(row["data"])} for row in rows]
    return _page(request, "back_room.html", {"sales": recent, "writes": writes})


def stock_figures(request: HttpRequest) -> HttpResponse:
    with the_shop().store.reading() as db:
        rows = listings.all_listings(db, most=MOST_SHOWN)
    return JsonResponse({"stock": {str(row["id"]): max(0, row["quantity"]) for row in rows}})


def health(request: HttpRequest) -> HttpResponse:
    with the_shop().store.reading() as db:
        db.execute("SELECT 1")
    return JsonResponse({"status": "ok", "name": the_shop().name})


def asset(name: str, kind: str) -> View:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(_asset(name), content_type=f"{kind}; charset=utf-8", headers={"Cache-Control": "no-cache"})

    return view


@cache
def _asset(name: str) -> bytes:
    return (ASSETS / name).read_bytes()


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse(Refusal(404, "not_found", "There is nothing at this address.").payload(), status=404)
    return _page(request, "gone.html", {}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return JsonResponse(Refusal(400, "bad_request", "This request cannot be read.").payload(), status=400)


def broken(request: HttpRequest) -> HttpResponse:
    return JsonResponse(Refusal(500, "internal_error", "Something went wrong here.").payload(), status=500)


def expired_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's protection has run out: say so, and lead back."""
    return _page(request, "expired.html", {}, status=403)


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith(("/api/", "/control/"))


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return listings.listing_payload(row) | {"left": max(0, row["quantity"])}


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, template, context | {"shop": the_shop()}, status=status)
