"""Counting a delivery, on a phone or with a scanner: every scan is kept at once, whoever makes it."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from purchasing.boards import Board, board_of
from purchasing.models import PurchaseOrder, Receipt, ReceiptScan, ReceiptStatus
from purchasing.services.counting import add_order, cancel_receipt, finish_receipt, park_receipt, start_receipt
from purchasing.services.picturing import add_photo
from purchasing.services.reading_codes import UnknownCode
from purchasing.services.scanning import NotOnOrder, WhichLine, scan_goods, set_count, undo_scan
from purchasing.transports.registry import way_to
from retailhub.core.errors import DomainError
from retailhub.core.pages import NotAllowed, ShellPage, or_404, whole
from retailhub.core.quantities import MOST

CONDITIONS = {ReceiptScan.Condition.GOOD, ReceiptScan.Condition.DAMAGED, ReceiptScan.Condition.REFUSED}
SCANNED_AS = CONDITIONS | {ReceiptScan.Condition.WRONG}


class ReceivePage(ShellPage):
    """Choose what to receive: scan a number, take an open delivery, or start one without an order."""

    scope = "stock:write"
    title = gettext_lazy("Receive")
    template_name = "purchasing/receive_start.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        code = request.GET.get("code", "").strip()[:40]
        refusal = ""
        if code:
            found = self._find(code)
            if found:
                return HttpResponseRedirect(reverse("purchasing:receive", args=[found]))
            refusal = _("%(code)s is no order or delivery that you can receive.") % {"code": code}
        mine = self._mine(PurchaseOrder.objects.open().select_related("supplier", "ship_to"), "ship_to")
        drafts = self._mine(
            Receipt.objects.filter(status=ReceiptStatus.DRAFT).select_related("supplier", "location"), "location"
        )
        places = Location.objects.for_principal(self.principal, "stock:write").order_by("name")
        return self.render(
            orders=list(mine.order_by("expected_on", "pk")[:50]),
            drafts=list(drafts[:20]),
            places=list(places),
            refusal=refusal,
            home=getattr(request.user, "home_location", ""),
            status=404 if refusal else 200,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Start a delivery that no order announced."""
        places = Location.objects.for_principal(self.principal, "stock:write")
        place = or_404(places.filter(code=request.POST.get("location", "")[:64]).first())
        receipt = start_receipt(
            location=place,
            actor=self.principal.actor,
            delivery_note=request.POST.get("delivery_note", "").strip()[:80],
            is_blind=bool(request.POST.get("is_blind")),
        )
        return HttpResponseRedirect(reverse("purchasing:receive", args=[receipt.number]))

    def _find(self, code: str) -> str | None:
        order = PurchaseOrder.objects.for_principal(self.principal, "stock:write").filter(number__iexact=code).first()
        if order:
            return order.number
        receipt = Receipt.objects.for_principal(self.principal, "stock:write").filter(number__iexact=code).first()
        if receipt is None:
            notes = Receipt.objects.for_principal(self.principal, "stock:write").filter(delivery_note=code)
            receipt = notes.filter(status=ReceiptStatus.DRAFT).first()
        return receipt.number if receipt else None

    def _mine(self, rows: Any, place: str) -> Any:
        codes = self.principal.places("stock:write")
        return rows if codes is None else rows.filter(**{f"{place}__code__in": codes})


class Delivery(ShellPage):
    """A delivery as its address names it: a receipt, or the order of which none was started yet."""

    scope = "stock:write"

    @cached_property
    def order(self) -> PurchaseOrder | None:
        rows = PurchaseOrder.objects.for_principal(self.principal).select_related("supplier", "ship_to")
        return rows.filter(number=self.kwargs["code"].upper()).first()

    @cached_property
    def receipt(self) -> Receipt | None:
        rows = Receipt.objects.for_principal(self.principal).select_related("supplier", "location")
        if self.order is None:
            return or_404(rows.filter(number=self.kwargs["code"].upper()).first())
        return rows.filter(orders=self.order, status=ReceiptStatus.DRAFT).order_by("pk").first()

    @property
    def place(self) -> Location:
        receipt = self.receipt
        return receipt.location if receipt else or_404(self.order).ship_to

    def dispatch_allowed(self) -> None:
        if not self.principal.may("stock:write", location=self.place.code):
            raise NotAllowed("stock:write", self.place.name)

    def started(self) -> Receipt:
        """Answer the receipt; the first scan starts it."""
        if self.receipt is None:
            order = or_404(self.order)
            self.receipt = start_receipt(
                location=order.ship_to,
                actor=self.principal.actor,
                orders=[order],
                is_blind=bool(self.request.POST.get("is_blind")),
            )
        return self.receipt

    def board(self) -> Board:
        return board_of(self.receipt, self.order, is_blind=self.request.GET.get("blind") == "1")

    def get_title(self) -> str:
        return _("Receive %(number)s") % {"number": self.kwargs["code"].upper()}

    def back(self) -> str:
        return reverse("purchasing:receive", args=[self.kwargs["code"].upper()])


class CountPage(Delivery):
    """The count: a big field for scans, the lines, and what is left to do."""

    template_name = "purchasing/receive.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        receipt = self.receipt
        if receipt is not None and receipt.status != ReceiptStatus.DRAFT:
            return HttpResponseRedirect(reverse("purchasing:receipt", args=[receipt.number]))
        template = "purchasing/receive_board.html" if self.is_partial else ""
        return self.render(
            template, board=self.board(), code=self.kwargs["code"].upper(), place=self.place, once=uuid4().hex
        )


class CountVerb(Delivery):
    """One thing done to the count; answers the board as it is after it."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(self.back())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        said, tone, offers, status = "", "good", [], 200
        try:
            said = self.act()
        except NotOnOrder as refusal:
            said, tone, offers, status = refusal.detail, "warn", refusal.details["offers"], 409
            return self._shown(said, tone, status, offers=offers, unplaced=self.request.POST.get("code", "")[:120])
        except WhichLine as refusal:
            unplaced = self.request.POST.get("code", "")[:120]
            return self._shown(refusal.detail, "warn", 409, instead=refusal.details["lines"], unplaced=unplaced)
        except UnknownCode as refusal:
            said, tone, status = refusal.detail, "bad", 422
        except DomainError as refusal:
            said, tone, status = (refusal.errors[0].detail if refusal.errors else refusal.detail), "bad", refusal.status
        return self._shown(said, tone, status)

    def act(self) -> str:
        raise NotImplementedError

    def _shown(self, said: str, tone: str, status: int, **more: Any) -> HttpResponse:
        if not self.is_partial:
            messages.add_message(self.request, messages.INFO if tone == "good" else messages.WARNING, said)
            return HttpResponseRedirect(self.back())
        # The receipt may have been started by this very call.
        self.__dict__.pop("receipt", None)
        return self.render(
            "purchasing/receive_board.html",
            board=self.board(),
            code=self.kwargs["code"].upper(),
            place=self.place,
            said=said,
            tone=tone,
            once=uuid4().hex,
            status=status,
            **more,
        )


class Scan(CountVerb):
    def act(self) -> str:
        post = self.request.POST
        code = post.get("code", "").strip()[:200]
        if added := self._order_scanned(code):
            return added
        condition = post.get("condition", "good")
        if offered := post.get("order", ""):
            other = or_404(
                PurchaseOrder.objects.for_principal(self.principal, "stock:write").filter(number=offered[:20]).first()
            )
            add_order(receipt_id=self.started().pk, order=other, actor=self.principal.actor)
        instead_of = whole(post.get("instead_of"), None)
        scanned = scan_goods(
            receipt_id=self.started().pk,
            code=code,
            key=post.get("key", "")[:60] or uuid4().hex,
            actor=self.principal.actor,
            condition="wrong" if instead_of else condition if condition in SCANNED_AS else "good",
            times=whole(post.get("times"), 1, most=MOST) or 1,
            as_surplus=bool(post.get("as_surplus")),
            instead_of=instead_of,
        )
        counted = _("%(units)s of %(item)s") % {"units": scanned.quantity, "item": scanned.item.name}
        return f"{counted} ({scanned.note})" if scanned.note else counted

    def _order_scanned(self, code: str) -> str:
        """An order's own number, scanned while counting, is counted too."""
        if not code.upper().startswith("PO-"):
            return ""
        order = PurchaseOrder.objects.for_principal(self.principal, "stock:write").filter(number=code.upper()).first()
        if order is None:
            return ""
        add_order(receipt_id=self.started().pk, order=order, actor=self.principal.actor)
        return _("%(number)s is counted too") % {"number": order.number}


class Undo(CountVerb):
    def act(self) -> str:
        undo_scan(receipt_id=self.started().pk, key=self.request.POST.get("key", "")[:64], actor=self.principal.actor)
        return _("Undone")


class SetCount(CountVerb):
    """A count typed on the keypad, or a surplus kept or refused."""

    def act(self) -> str:
        post = self.request.POST
        names = (*CONDITIONS, ReceiptScan.Condition.SURPLUS)
        raw = {str(name): post[name].strip() for name in names if post.get(name, "").strip()}
        counts = {name: whole(value, -1, most=MOST) for name, value in raw.items()}
        set_count(
            receipt_id=self.started().pk,
            item_id=whole(post.get("item"), 0) or 0,
            order_line_id=whole(post.get("order_line"), None),
            counts={name: -1 if units is None else units for name, units in counts.items()},
            key=post.get("key", "")[:40] or uuid4().hex,
            actor=self.principal.actor,
        )
        return _("Counted")


class AddPhoto(CountVerb):
    def act(self) -> str:
        file = self.request.FILES.get("photo")
        if not isinstance(file, UploadedFile):
            return _("No photo was sent")
        add_photo(receipt_id=self.started().pk, file=file, actor=self.principal.actor)
        return _("The photo is kept")


class Park(CountVerb):
    def act(self) -> str:
        note = self.request.POST.get("note", "").strip()[:500]
        park_receipt(receipt_id=self.started().pk, note=note or _("Parked"), actor=self.principal.actor)
        return _("Parked: it is on the work list of the buyer")


class CancelCount(Delivery):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        if self.receipt is not None:
            try:
                cancel_receipt(receipt_id=self.receipt.pk, actor=self.principal.actor)
                messages.success(request, _("The count was given up. Nothing came in."))
            except DomainError as refusal:
                messages.error(request, refusal.detail)
        return HttpResponseRedirect(reverse("purchasing:receive_start"))


class Finish(Delivery):
    """Post the delivery; with differences they are shown once before."""

    template_name = "purchasing/receive_finish.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(self.back())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dispatch_allowed()
        receipt = self.receipt
        if receipt is None:
            messages.warning(request, _("Nothing was counted."))
            return HttpResponseRedirect(self.back())
        board = board_of(receipt, self.order, is_blind=False)
        if board.differences and not request.POST.get("confirm") and receipt.status == ReceiptStatus.DRAFT:
            return self.render(board=board, code=self.kwargs["code"].upper(), **self._letter(receipt, board))
        announced = {
            row.line_id: units
            for row in board.rows
            if row.line_id
            and (units := whole(request.POST.get(f"announced-{row.line_id}", "").strip(), None, most=MOST))
        }
        try:
            finish_receipt(
                receipt_id=receipt.pk,
                actor=self.principal.actor,
                announced=announced,
                close_lines=[pk for raw in request.POST.getlist("close") if (pk := whole(raw))],
                tell_supplier=bool(request.POST.get("tell")),
            )
        except DomainError as refusal:
            messages.error(request, " ".join([refusal.detail, *(x.detail for x in refusal.errors)]))
            return HttpResponseRedirect(self.back())
        return HttpResponseRedirect(f"{reverse('purchasing:receipt', args=[receipt.number])}?done=1")

    def _letter(self, receipt: Receipt, board: Board) -> dict[str, Any]:
        """Say whether there may be something to tell the supplier, and where to."""
        supplier = receipt.supplier
        claimed = any(row.damaged or row.wrong or row.short for row in board.differences if row.line_id)
        return {"claims_possible": supplier is not None and claimed, "address": way_to(supplier)[1] if supplier else ""}
