"""What people do to the books: post by hand, take an entry back, close a month and open the latest again."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.accounting.forms import HandPostingForm, ReopenForm, ReverseForm
from retailhub.accounting.queries import Span, span_of
from retailhub.accounting.reading import WRITE
from retailhub.accounting.services.by_hand import post_by_hand, reverse_by_hand
from retailhub.accounting.services.closing import close_period, reopen_period
from retailhub.accounting.views import BooksPage, OneEntry
from retailhub.core.pages import Dialog, or_404


class HandPosting(BooksPage, Dialog):
    """An entry that no document posts."""

    scope = WRITE
    title = gettext_lazy("Post by hand")
    template_name = "accounting/post.html"
    form_class = HandPostingForm
    submit_label = gettext_lazy("Post")
    posted = ""

    def get_back_url(self) -> str:
        return self.posted or reverse("books:index")

    def act(self, form: Any) -> str:
        entry = post_by_hand(entry=form.entry(), actor=self.principal.actor)
        self.posted = reverse("books:entry", args=[entry.number])
        return _("%(number)s is posted.") % {"number": entry.number}


class ReverseEntry(OneEntry, Dialog):
    """Take an entry back by one with all signs turned."""

    scope = WRITE
    template_name = "rh/dialog_page.html"
    form_class = ReverseForm
    explanation = gettext_lazy("An entry with all signs turned is posted. Both stay in the journal.")
    submit_label = gettext_lazy("Reverse")
    danger = True

    def get_title(self) -> str:
        return _("Reverse %(number)s?") % {"number": self.entry.number}

    def get_back_url(self) -> str:
        return self.entry_url()

    def act(self, form: Any) -> str:
        reversal = reverse_by_hand(
            number=self.entry.number,
            date=form.cleaned_data["date"],
            actor=self.principal.actor,
            text=form.cleaned_data["text"],
        )
        return _("%(number)s takes it back.") % {"number": reversal.number}


class PeriodVerb(BooksPage, Dialog):
    """Something that is done to one month."""

    scope = WRITE
    template_name = "rh/dialog_page.html"

    @cached_property
    def month(self) -> Span:
        span = span_of(self.kwargs["code"])
        return or_404(span if span and "-" in span.code else None)

    def get_back_url(self) -> str:
        return reverse("admin:accounting_period_changelist")


class ClosePeriod(PeriodVerb):
    submit_label = gettext_lazy("Close")
    danger = True

    def get_title(self) -> str:
        return _("Close %(period)s?") % {"period": self.month.code}

    def get_explanation(self) -> str:
        return _(
            "What the books still lack is posted first. Then no entry gets a date up to %(day)s any more; documents "
            "that come later are posted on the first open day."
        ) % {"day": self.month.end}

    def act(self, form: Any) -> str:
        close_period(start=self.month.start, today=timezone.localdate(), actor=self.principal.actor)
        return _("%(period)s is closed.") % {"period": self.month.code}


class ReopenPeriod(PeriodVerb):
    form_class = ReopenForm
    submit_label = gettext_lazy("Open again")
    danger = True
    explanation = gettext_lazy(
        "Figures that were reported for it may change. Only the latest closed month can be opened."
    )

    def get_title(self) -> str:
        return _("Open %(period)s again?") % {"period": self.month.code}

    def act(self, form: Any) -> str:
        reopen_period(start=self.month.start, reason=form.cleaned_data["reason"], actor=self.principal.actor)
        return _("%(period)s is open again.") % {"period": self.month.code}
