"""The home page and the look-up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.core.pages import ShellPage
from retailhub.home import places, queries
from retailhub.home.search import look_up, search
from retailhub.home.work_views import dressed

log = logging.getLogger(__name__)
T = TypeVar("T")


def panel(read: Callable[[], T]) -> T | None:
    """Read one panel; when the database refuses, the panel says so and the others stay."""
    try:
        return read()
    except DatabaseError:
        log.exception("a panel of the home page could not be read")
        return None


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
        place = places.here(request)
        work = panel(lambda: queries.needs_you(self.principal, now=now, place=place))
        rows, count = work or ([], 0)
        return self.render(
            counters=panel(lambda: queries.counters(self.principal, now=now)),
            place=places.names().get(place, ""),
            work_failed=work is None,
            work=[dressed(row, user) for row in rows],
            work_count=count,
            work_more=count - len(rows),
            jobs=panel(lambda: queries.jobs_under_way(user, now=now)),  # type: ignore[arg-type]
            coming=panel(lambda: queries.next_event(self.principal, now=now, place=place)) if not rows else None,
        )


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
