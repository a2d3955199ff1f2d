"""What to buy: by supplier, with the reason for every number, and one click to the drafts."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from purchasing.models import Supplier
from purchasing.services.reordering import SupplierNeeds, Wanted, create_orders, find_needs
from retailhub.core.errors import DomainError
from retailhub.core.pages import NotAllowed, ShellPage, or_404, whole

MOST_UNITS = 1_000_000_000
MOST_ROWS = 300
"""Items on one page: a form of more is slow to read, and the server takes no more than a thousand fields."""


class ReorderPage(ShellPage):
    """Proposals grouped by supplier; quantities can be changed before the drafts are made."""

    scope: ClassVar[str] = "purchasing:read"
    title = gettext_lazy("Reorder")
    template_name = "purchasing/reorder.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show()

    def show(self, refusal: DomainError | None = None) -> HttpResponse:
        places = Location.objects.for_principal(self.principal, "purchasing:read").filter(is_active=True)
        chosen = self.request.GET.get("place", "")
        location = or_404(places.filter(code=chosen).first()) if chosen else None
        # Whoever buys for some places only sees what those lack, one at a time.
        if location is None and self.principal.places("purchasing:read") is not None:
            location = places.first()
        reorder = find_needs(today=timezone.localdate(), location=location)
        only = self.request.GET.get("supplier", "")
        wanted_groups = [x for x in reorder.groups if only.upper() in ("", x.supplier.code.upper())]
        groups: list[dict[str, Any]] = []
        later: list[SupplierNeeds] = []
        room = MOST_ROWS
        for group in wanted_groups:
            if room and (len(group.needs) <= room or not groups):
                groups.append(self.shown(group, room))
                room = max(0, room - len(group.needs))
            else:
                later.append(group)
        home = getattr(self.request.user, "home_location", "")
        wanted = self.request.POST.get("ship_to") or (location.code if location else home)
        return self.render(
            status=409 if refusal else 200,
            groups=groups,
            items=sum(len(group.needs) for group in wanted_groups),
            later=later,
            only=only,
            skipped=[] if only else reorder.skipped[:MOST_ROWS],
            places=list(places),
            ship_to=wanted or next((x.code for x in places if x.kind == Location.Kind.WAREHOUSE), ""),
            location=location,
            may_write=self.principal.may("purchasing:write"),
            refusal=refusal,
            once=uuid4().hex,
        )

    def shown(self, group: SupplierNeeds, room: int) -> dict[str, Any]:
        """Answer a group as it is shown: what was typed and ticked stays when the form comes back.

        Of more items than there is room for, the first; the others come once these are ordered.
        """
        post, code = self.request.POST, group.supplier.code
        return {
            "supplier": group.supplier,
            "total": group.total,
            "below_minimum": group.below_minimum,
            "ticked": code in post.getlist("supplier") if post else True,
            "rows": [
                {"need": need, "units": post.get(f"units:{code}:{need.sku}", need.suggested)}
                for need in group.needs[:room]
            ],
            "more": max(0, len(group.needs) - room),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Make the drafts that were ticked; sent twice, they are made once."""
        if not self.principal.may("purchasing:write"):
            raise NotAllowed("purchasing:write")
        places = Location.objects.for_principal(self.principal, "purchasing:write")
        ship_to = or_404(places.filter(code=request.POST.get("ship_to", "")).first())
        suppliers = Supplier.objects.for_principal(self.principal).named(*request.POST.getlist("supplier"))
        wanted = [Wanted(supplier=supplier, units=self.units_of(supplier)) for supplier in suppliers]
        try:
            orders = create_orders(
                wanted=[one for one in wanted if one.units],
                ship_to=ship_to,
                actor=self.principal.actor,
                on=timezone.localdate(),
                key=request.POST.get("once", "")[:64] or uuid4().hex,
            )
        except DomainError as refusal:
            return self.show(refusal)
        if not orders:
            messages.info(request, _("Nothing was ticked."))
            return HttpResponseRedirect(request.get_full_path())
        if len(orders) == 1:
            name = "order_send" if request.POST.get("do") == "send" else "order"
            return HttpResponseRedirect(reverse(f"purchasing:{name}", args=[orders[0].number]))
        messages.success(request, _("Drafted: %(numbers)s") % {"numbers": ", ".join(order.number for order in orders)})
        return HttpResponseRedirect(reverse("admin:purchasing_purchaseorder_changelist") + "?status__exact=draft")

    def units_of(self, supplier: Supplier) -> dict[str, int]:
        """Answer what was asked of the supplier, by SKU; anything that is no whole number counts as nothing."""
        beginning = f"units:{supplier.code}:"
        asked = {
            name.removeprefix(beginning): whole(str(value), 0, most=MOST_UNITS) or 0
            for name, value in self.request.POST.items()
            if name.startswith(beginning)
        }
        return {sku: units for sku, units in asked.items() if units > 0}
