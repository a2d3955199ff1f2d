"""The books to look at: the trial balance, an account's lines and open items, an entry, and what is proved."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.accounting.models import Account, JournalEntry, Period
from retailhub.accounting.proving import at_one_moment, compare
from retailhub.accounting.queries import BUCKETS, ZERO, Place, Span, lines_of, open_items, span_of, trial_balance
from retailhub.accounting.reading import READ, has_the_books
from retailhub.accounting.services.by_hand import MANUAL
from retailhub.accounting.services.exporting import FORMS
from retailhub.core.pages import ShellPage, or_404

MONTHS_SHOWN = 6
ITEMS_SHOWN = 200


class BooksPage(ShellPage):
    """A page of the books, for those who have the right everywhere."""

    scope = READ

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and self.principal.may(self.scope):
            if not has_the_books(self.principal, self.scope):
                return self.turn_away(
                    403, _("Not for you"), _("There is one set of books: this takes the right at all places.")
                )
            if self.asked and self.span is None:
                return self.turn_away(
                    400, _("No such period"), _("A period is a month such as 2026-11, or a year such as 2026.")
                )
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def asked(self) -> str:
        return self.request.GET.get("period", "").strip()

    @cached_property
    def span(self) -> Span | None:
        return span_of(self.asked)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            home_currency=settings.HOME_CURRENCY,
            period=self.asked,
            may_write=has_the_books(self.principal, "accounting:write"),
            **kwargs,
        )


class Books(BooksPage):
    """The trial balance of a month, a year or everything; each account leads to its lines."""

    title = gettext_lazy("Books")
    template_name = "accounting/books.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        span = self.span
        lines = trial_balance(since=span.start if span else None, until=span.end if span else None)
        months = list(Period.objects.order_by("-start")[:MONTHS_SHOWN])
        codes = [*dict.fromkeys(f"{month.start:%Y}" for month in months), *(month.code for month in months)]
        if self.asked and self.asked not in codes:
            codes.insert(0, self.asked)
        return self.render(
            lines=[line for line in lines if not line.is_quiet],
            quiet=[line for line in lines if line.is_quiet],
            debit=sum((line.debit for line in lines), ZERO),
            credit=sum((line.credit for line in lines), ZERO),
            opening=sum((line.opening for line in lines), ZERO),
            closing=sum((line.closing for line in lines), ZERO),
            codes=codes,
            month=next((month for month in months if month.code == self.asked), None),
            forms=FORMS,
        )


class AccountPage(BooksPage):
    """One account: its turnover, what is open on it and since when, and its lines."""

    template_name = "accounting/account.html"

    @cached_property
    def account(self) -> Account:
        return or_404(Account.objects.filter(number=self.kwargs["number"]).first())

    def get_title(self) -> str:
        return str(self.account)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        account, span, asked = self.account, self.span, request.GET
        party, reference = (asked.get(name, "").strip()[:120] for name in ("party", "reference"))
        lines, older = lines_of(
            account, span=span, party=party, reference=reference, before=Place.read(asked.get("before", ""))
        )
        since, until = (span.start, span.end) if span else (None, None)
        return self.render(
            account=account,
            figures=next(f for f in trial_balance(since=since, until=until) if f.account.pk == account.pk),
            lines=lines,
            older=older,
            party=party,
            reference=reference,
            **self._open(account, min(until or date.max, timezone.localdate())),
        )

    def _open(self, account: Account, today: date) -> dict[str, Any]:
        """What is open by reference; an account that is kept without references has no open items."""
        items = open_items(account.number, today=today)
        if not any(item.reference for item in items):
            return {"open_items": []}
        buckets = dict.fromkeys(BUCKETS, ZERO)
        for item in items:
            buckets[item.bucket] += item.balance
        return {
            "open_items": items[:ITEMS_SHOWN],
            "more_items": max(0, len(items) - ITEMS_SHOWN),
            "buckets": buckets,
            "as_of": today,
        }


class OneEntry(BooksPage):
    @cached_property
    def entry(self) -> JournalEntry:
        entries = JournalEntry.objects.for_principal(self.principal).select_related("reverses", "reversed_by")
        return or_404(entries.filter(number=self.kwargs["number"]).first())

    def entry_url(self) -> str:
        return reverse("books:entry", args=[self.entry.number])


class EntryPage(OneEntry):
    """One entry with its lines, its document, and what took it back."""

    template_name = "accounting/entry.html"

    def get_title(self) -> str:
        return self.entry.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = self.entry
        lines = list(entry.lines.select_related("account").order_by("line"))
        reversal = getattr(entry, "reversed_by", None)
        return self.render(
            entry=entry,
            lines=lines,
            total=sum((line.amount for line in lines if line.amount > 0), ZERO),
            reversal=reversal,
            is_reversible=entry.kind == MANUAL and reversal is None and entry.reverses_id is None,
        )


class Proofs(BooksPage):
    """What the documents say must stand on an account, beside what stands there."""

    title = gettext_lazy("Books against documents")
    template_name = "accounting/proofs.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with at_one_moment():
            proved = list(compare())
        wrong = [line for line in proved if not line.agrees]
        return self.render(
            wrong=wrong[:ITEMS_SHOWN],
            count=len(wrong),
            sums=_sums(proved),
        )


def _sums(proved: list[Any]) -> list[dict[str, Any]]:
    sums: dict[int, dict[str, Any]] = {}
    for line in proved:
        one = sums.setdefault(
            line.account.pk, {"account": line.account, "expected": ZERO, "found": ZERO, "items": 0, "agrees": True}
        )
        one["expected"] += line.expected
        one["found"] += line.found
        one["items"] += 1
        one["agrees"] = one["agrees"] and line.agrees
    return list(sums.values())
