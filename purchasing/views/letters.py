"""Letters about deliveries and returns: as their supplier gets them, and the dialogs that send them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import Sending, SupplierReturn
from purchasing.services.letters import claim_letter, return_letter
from purchasing.services.telling import tell_of_claims, tell_of_return
from purchasing.transports.registry import way_to
from purchasing.views.papers import LetterDialog, framed
from purchasing.views.receipts import OneReceipt, ReceiptVerb
from retailhub.core.pages import NotAllowed, ShellPage, or_404


class TellSupplier(LetterDialog, ReceiptVerb):
    """Have the letter with every open claim of the delivery on its way, once it was looked at."""

    title = gettext_lazy("Tell the supplier what is claimed?")
    submit_label = gettext_lazy("Send the claim")

    def get_letter_url(self) -> str:
        return reverse("purchasing:receipt_letter", args=[self.receipt.number])

    def get_explanation(self) -> str:
        address = way_to(self.receipt.supplier)[1] if self.receipt.supplier else ""
        if not address:
            return _("He has no e-mail address: print the letter and send it yourself.")
        before = Sending.objects.filter(document=self.receipt.reference).exclude(sent_at=None).first()
        if before:
            return _("He got one already. This one goes to %(address)s.") % {"address": address}
        return _("It goes to %(address)s.") % {"address": address}

    def act(self, form: Any) -> str:
        sending = tell_of_claims(receipt_id=self.receipt.pk, actor=self.principal.actor, again=True)
        return _("The letter goes to %(address)s.") % {"address": sending.address}


class ClaimLetter(OneReceipt):
    """The letter about a delivery as its supplier gets it."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.principal.sees_costs:
            raise NotAllowed("costs:read")
        content = or_404(claim_letter(self.receipt) if self.receipt.supplier else None)
        return framed(HttpResponse(content, content_type="application/pdf"), f"{self.receipt.number}-claim.pdf")


class OneReturn(ShellPage):
    """A page about goods on their way back, as its address names them."""

    scope = "purchasing:read"

    @cached_property
    def paper(self) -> SupplierReturn:
        rows: Any = SupplierReturn.objects.for_principal(self.principal).select_related("supplier", "location")
        found: SupplierReturn = or_404(rows.filter(number=self.kwargs["number"].upper()).first())
        return found


class ReturnLetter(OneReturn):
    """The letter that goes with goods on their way back."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.principal.sees_costs:
            raise NotAllowed("costs:read")
        answer = HttpResponse(return_letter(self.paper), content_type="application/pdf")
        return framed(answer, f"{self.paper.number}.pdf")


class TellOfReturn(LetterDialog, OneReturn):
    """Have the letter about goods on their way back sent, for the first time or once more."""

    scope = "purchasing:write"
    submit_label = gettext_lazy("Send the letter")

    def get_title(self) -> str:
        return _("Send the letter about %(number)s?") % {"number": self.paper.number}

    def get_letter_url(self) -> str:
        return reverse("purchasing:return_letter", args=[self.paper.number])

    def get_explanation(self) -> str:
        address = way_to(self.paper.supplier)[1]
        if not address:
            return _("He has no e-mail address: print the letter and send it yourself.")
        return _("It goes to %(address)s.") % {"address": address}

    def get_back_url(self) -> str:
        number = self.paper.lines.values_list("receipt_line__receipt__number", flat=True)[:1].get()
        return reverse("purchasing:receipt", args=[number])

    def act(self, form: Any) -> str:
        if not self.principal.may(self.scope, location=self.paper.location.code):
            raise NotAllowed(self.scope, self.paper.location.name)
        sending = tell_of_return(return_id=self.paper.pk, actor=self.principal.actor, again=True)
        return _("The letter goes to %(address)s.") % {"address": sending.address}
