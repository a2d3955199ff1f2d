"""Transfers: goods that one of our places sends to another."""

from __future__ import annotations

from datetime import datetime, time
from functools import cached_property
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.barcodes import gtin14
from inventory.forms import TransferForm
from inventory.models import Barcode, Item, Location, StockLevel, StockMovement, Transfer
from inventory.services.transferring import (
    Arrived,
    TransferDraftLine,
    cancel_transfer,
    draft_transfer,
    ready_transfer,
    receive_transfer,
    ship_transfer,
)
from retailhub.core.errors import DomainError
from retailhub.core.pages import Dialog, HouseForm, NotAllowed, ShellPage, or_404, place_of, whole
from retailhub.core.quantities import MOST
from retailhub.core.text import DirtyText, sku_key


class NewTransfer(ShellPage):
    """Plan a transfer: scan or type what shall go."""

    scope = "stock:write"
    title = gettext_lazy("New transfer")
    template_name = "inventory/transfer_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = TransferForm(
            initial={
                "origin": request.GET.get("from") or place_of(request),
                "destination": request.GET.get("to"),
            },
            principal=self.principal,
        )
        lines = []
        if request.GET.get("sku"):
            lines = [(request.GET["sku"], whole(request.GET.get("quantity"), 1) or 1)]
        return self._show(form, lines)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = TransferForm(request.POST, principal=self.principal)
        lines = self._asked(form)
        if not form.is_valid():
            return self._show(form, lines, status=422)
        data = form.cleaned_data
        if self.sent_before():
            messages.info(request, _("This was saved already."))
            return HttpResponseRedirect(reverse("admin:inventory_transfer_changelist"))
        try:
            transfer = draft_transfer(
                origin=data["origin"],
                destination=data["destination"],
                lines=[TransferDraftLine(sku=sku, quantity=quantity) for sku, quantity in lines],
                actor=self.principal.actor,
                note=data["note"],
                due=_evening(data["due"], data["destination"]),
            )
        except DomainError as refusal:
            form.refuse(refusal)
            return self._show(form, lines, status=409)
        messages.success(request, _("%(number)s is drafted. Nothing is reserved yet.") % {"number": transfer.number})
        return HttpResponseRedirect(reverse("inventory:transfer", args=[transfer.number]))

    def _asked(self, form: TransferForm) -> list[tuple[str, int]]:
        """Read the rows; a row whose units make no sense is refused on the form."""
        post = self.request.POST
        rows: list[tuple[str, int]] = []
        for sku, units in zip(post.getlist("sku")[:1000], post.getlist("quantity")[:1000], strict=False):
            quantity = whole(units.strip(), None, most=MOST)
            if sku.strip() and not quantity:
                form.add_error(None, _("%(sku)s needs a whole number of units above 0.") % {"sku": sku})
            if sku.strip():
                rows.append((sku.strip(), quantity or 0))
        return rows

    def _show(self, form: TransferForm, lines: list[tuple[str, int]], status: int = 200) -> HttpResponse:
        try:
            items = Item.objects.for_principal(self.principal).by_sku([sku for sku, _units in lines])
        except DirtyText:
            items = {}
        rows = [{"sku": sku, "quantity": quantity, "item": items.get(sku)} for sku, quantity in lines]
        return self.render(form=form, rows=rows, status=status, once=uuid4().hex)


def _evening(day: Any, place: Location) -> datetime | None:
    """Answer six in the evening of that day where the goods are expected."""
    if day is None:
        return None
    try:
        zone = ZoneInfo(place.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.combine(day, time(18), tzinfo=zone)


class TransferRow(ShellPage):
    """One scanned code as a row of a new transfer."""

    scope = "stock:write"
    template_name = "inventory/transfer_row.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        code = request.GET.get("code", "").strip()[:64]
        try:
            key = gtin14(code) or sku_key(code)
        except DirtyText:
            key = ""
        items = Item.objects.for_principal(self.principal)
        barcode = Barcode.objects.filter(code_key=key).select_related("pack").first() if key else None
        item = items.filter(pk=barcode.item_id).first() if barcode else items.filter(sku_key=key).first()
        if item is None:
            words = list(items.search(code).order_by("sku_key")[:2]) if len(code) >= 3 else []
            item = words[0] if len(words) == 1 else None
        units = 1
        if barcode and barcode.pack and barcode.pack.numerator % barcode.pack.denominator == 0:
            units = barcode.pack.numerator // barcode.pack.denominator
        here = None
        if item is not None:
            origin = Location.objects.for_principal(self.principal).filter(code=request.GET.get("origin", "")).first()
            level = StockLevel.objects.filter(item=item, location=origin).first() if origin else None
            here = level.available if level else 0 if origin else None
        return self.render(row={"sku": item.sku if item else code, "quantity": units, "item": item}, here=here)


class OneTransfer(ShellPage):
    scope = "stock:read"

    @cached_property
    def transfer(self) -> Transfer:
        rows = Transfer.objects.for_principal(self.principal).select_related("origin", "destination")
        return or_404(rows.filter(number=self.kwargs["number"]).first())

    def transfer_url(self) -> str:
        return reverse("inventory:transfer", args=[self.transfer.number])


class TransferPage(OneTransfer):
    """What goes, what left, what arrived, and the next step."""

    template_name = "inventory/transfer.html"

    def get_title(self) -> str:
        return self.transfer.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        transfer = self.transfer
        status = transfer.status
        sends = self.principal.may("stock:write", location=transfer.origin.code)
        takes = self.principal.may("stock:write", location=transfer.destination.code)
        waiting = status in {Transfer.Status.DRAFT, Transfer.Status.READY}
        on_the_road = status in {Transfer.Status.IN_TRANSIT, Transfer.Status.PART_RECEIVED}
        movements = StockMovement.objects.filter(document=transfer.reference).select_related(
            "item", "from_location", "to_location"
        )
        return self.render(
            transfer=transfer,
            lines=list(transfer.lines.select_related("item")),
            movements=list(movements.defer("value").order_by("-pk")[:200]),
            may_ready=sends and status == Transfer.Status.DRAFT,
            may_ship=sends and status == Transfer.Status.READY,
            may_cancel=sends and waiting,
            may_receive=takes and on_the_road,
        )


class TransferVerb(OneTransfer, Dialog):
    """A step of a transfer, taken at one of its ends."""

    scope = "stock:write"
    at_destination = False

    def dispatch_allowed(self) -> None:
        place = self.transfer.destination if self.at_destination else self.transfer.origin
        if not self.principal.may("stock:write", location=place.code):
            raise NotAllowed("stock:write", place.name)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        return super().post(request, *args, **kwargs)

    def get_back_url(self) -> str:
        return self.transfer_url()


class ReadyTransfer(TransferVerb):
    title = gettext_lazy("Reserve the goods?")
    explanation = gettext_lazy("All lines are reserved at the place that sends, or none.")
    submit_label = gettext_lazy("Reserve")
    done_message = gettext_lazy("The goods are reserved and can leave.")

    def act(self, form: Any) -> None:
        ready_transfer(transfer_id=self.transfer.pk, actor=self.principal.actor)


class ShipTransfer(TransferVerb):
    title = gettext_lazy("Send the goods?")
    explanation = gettext_lazy("They leave the shelf now and are on the road until they are received.")
    submit_label = gettext_lazy("Send")
    done_message = gettext_lazy("The goods are on the road.")

    def act(self, form: Any) -> None:
        ship_transfer(transfer_id=self.transfer.pk, actor=self.principal.actor)


class CancelTransfer(TransferVerb):
    title = gettext_lazy("Cancel this transfer?")
    explanation = gettext_lazy("What it has reserved is free again.")
    submit_label = gettext_lazy("Cancel the transfer")
    done_message = gettext_lazy("The transfer is cancelled.")
    danger = True

    def act(self, form: Any) -> None:
        cancel_transfer(transfer_id=self.transfer.pk, actor=self.principal.actor)


class ReceiveTransfer(TransferVerb):
    """Book in what came, line by line: good, damaged, or given up as lost."""

    at_destination = True
    template_name = "inventory/transfer_receive.html"
    done_message = gettext_lazy("Booked in.")

    def get_title(self) -> str:
        return _("Receive %(number)s") % {"number": self.transfer.number}

    def show(self, form: Any, *, status: int = 200) -> HttpResponse:
        post = self.request.POST if self.request.method == "POST" else None
        rows = []
        for line in self.transfer.lines.select_related("item").prefetch_related("item__barcodes"):
            left = line.shipped - line.received - line.damaged - line.lost
            if not left:
                continue
            asked = {
                name: (post.get(f"{name}-{line.line}", "") if post is not None else left if name == "received" else 0)
                for name in ("received", "damaged", "lost")
            }
            codes = " ".join([line.item.sku, *(barcode.code for barcode in line.item.barcodes.all())])
            rows.append({"line": line, "left": left, "asked": asked, "codes": codes})
        return self.render(
            status=status,
            form=form,
            rows=rows,
            transfer=self.transfer,
            back_url=self.get_back_url(),
            once=uuid4().hex,
        )

    def get_form(self, data: Any = None) -> Any:
        form = HouseForm(data)
        form.arrived = []  # type: ignore[attr-defined]
        if data is not None:
            for line in self.transfer.lines.all():
                units = {}
                for name in ("received", "damaged", "lost"):
                    raw = data.get(f"{name}-{line.line}", "").strip() or "0"
                    value = whole(raw, None, most=MOST)
                    if value is None:
                        form.add_error(
                            None,
                            _("Line %(line)s: %(raw)s is no number of units.") % {"line": line.line, "raw": raw[:20]},
                        )
                    units[name] = value or 0
                if any(units.values()):
                    form.arrived.append(Arrived(line=line.line, **units))  # type: ignore[attr-defined]
            if not form.errors and not form.arrived:  # type: ignore[attr-defined]
                form.add_error(None, _("Say how many arrived."))
        return form

    def act(self, form: Any) -> None:
        receive_transfer(transfer_id=self.transfer.pk, arrived=form.arrived, actor=self.principal.actor)
