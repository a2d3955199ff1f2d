"""The home page, the queue of work, and the look-up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django import forms
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.core.models import Attention
from retailhub.core.models.attention import AttentionQuerySet
from retailhub.core.pages import Dialog, HouseForm, ShellPage, or_404
from retailhub.core.references import address_of
from retailhub.core.services.attending import snooze_attention
from retailhub.home import queries
from retailhub.home.kinds import KINDS, label_of, tone_of
from retailhub.home.search import look_up, search

log = logging.getLogger(__name__)
T = TypeVar("T")


def panel(read: Callable[[], T]) -> T | None:
    """Read one panel; when the database refuses, the panel says so and the others stay."""
    try:
        return read()
    except DatabaseError:
        log.exception("a panel of the home page could not be read")
        return None


def dressed(row: Attention) -> dict[str, Any]:
    """Answer a row of the queue as its template shows it."""
    return {
        "row": row,
        "label": label_of(row.kind),
        "tone": tone_of(row.kind),
        "url": row.step_url or address_of(row.document),
        "step": row.step_label or _("Open"),
    }


class HomePage(ShellPage):
    """What needs me, by money at risk and age; four figures; my jobs."""

    scope = "work:read"
    template_name = "rh/home.html"

    def get_title(self) -> str:
        user: Any = self.request.user
        name = user.first_name or user.get_username()
        hour = timezone.localtime().hour
        if hour < 12:
            return _("Good morning, %(name)s") % {"name": name}
        return (
            _("Good afternoon, %(name)s") % {"name": name}
            if hour < 18
            else _("Good evening, %(name)s") % {"name": name}
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, user = timezone.now(), request.user
        work = panel(lambda: queries.needs_you(self.principal, now=now))
        rows, count = work or ([], 0)
        return self.render(
            counters=panel(lambda: queries.counters(self.principal, now=now)),
            work_failed=work is None,
            work=[dressed(row) for row in rows],
            work_count=count,
            work_more=count - len(rows),
            jobs=panel(lambda: queries.jobs_under_way(user, now=now)),  # type: ignore[arg-type]
            coming=panel(lambda: queries.next_event(self.principal, now=now)) if not rows else None,
        )


class WorkPage(ShellPage):
    """The whole queue: all, mine, or put off."""

    scope = "work:read"
    title = gettext_lazy("My work")
    template_name = "rh/work.html"
    most = 200

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        rows = Attention.objects.for_principal(self.principal)
        show = request.GET.get("show", "all")
        if show == "snoozed":
            rows = rows.filter(resolved_at__isnull=True, snoozed_until__gt=now)
        elif show == "settled":
            rows = rows.filter(resolved_at__isnull=False)
        else:
            rows = rows.open(at=now)
        kind = request.GET.get("kind", "")
        if kind:
            rows = rows.filter(kind=kind)
        found = queries.by_weight(rows, now=now)
        if show == "settled":
            found = found.order_by("-resolved_at")
        listed = list(found[: self.most + 1])
        return self.render(
            work=[dressed(row) for row in listed[: self.most]],
            more=len(listed) > self.most,
            show=show,
            kind=kind,
            kinds=[(name, label) for name, (label, _tone) in KINDS.items()],
        )


class SnoozeForm(HouseForm):
    until = forms.ChoiceField(
        label=gettext_lazy("Show it again"),
        choices=[
            ("1", gettext_lazy("in an hour")),
            ("4", gettext_lazy("in four hours")),
            ("24", gettext_lazy("tomorrow")),
            ("168", gettext_lazy("in a week")),
        ],
    )


class Snooze(Dialog):
    """Put one row off; it comes back by itself."""

    scope = "work:read"
    form_class = SnoozeForm
    submit_label = gettext_lazy("Put off")
    title = gettext_lazy("Put this off")

    def _rows(self) -> AttentionQuerySet:
        return Attention.objects.for_principal(self.principal).filter(pk=self.kwargs["pk"])

    def get_explanation(self) -> str:
        return or_404(self._rows().first()).subject

    def act(self, form: SnoozeForm) -> str:
        until = self._later(int(form.cleaned_data["until"]))
        or_404(self._rows().first())
        snooze_attention(self._rows(), until=until)
        return _("Put off. It comes back by itself.")

    def _later(self, hours: int) -> datetime:
        return timezone.now() + timedelta(hours=hours)


class FindPage(ShellPage):
    """Scan or type: a number, barcode or SKU goes straight to its page, words give a short list."""

    scope = "work:read"
    title = gettext_lazy("Find")
    template_name = "rh/find.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        words = request.GET.get("q", "").strip()[:200]
        if words and not self.is_partial:
            url = look_up(self.principal, words)
            if url:
                return HttpResponseRedirect(url)
        groups = search(self.principal, words)
        if self.is_partial:
            exact = look_up(self.principal, words) if len(words) >= 3 else None
            return self.render("rh/find_list.html", groups=groups, words=words, exact=exact)
        may_create = self.principal.may("items:write")
        return self.render(
            groups=groups, words=words, new_item_url=reverse("admin:inventory_item_add") if may_create else ""
        )
