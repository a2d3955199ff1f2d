"""Record lists as people keep them: reading the address of a list, the tabs above it, and saving what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.db import transaction
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from retailhub.core.errors import DomainError
from retailhub.core.lists import COLUMNS, VIEW, column_name
from retailhub.core.models import User
from retailhub.core.pages import page_before
from retailhub.home import places
from retailhub.home.models import SavedView

MOST = 20
"""Views of one list that a person or a role may keep: more tabs than that nobody reads."""


class TooManyViews(DomainError):
    """There are as many views of this list as it can show. Remove one first."""

    code = "too_many_views"
    status = 409


@dataclass(frozen=True, slots=True)
class Shape:
    """What the address of a list says: how it is narrowed and sorted, and which columns it shows."""

    query: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: QueryDict) -> Shape:
        """Read an address. The order of its parts and the page that is open make no difference."""
        rest = asked.copy()
        columns = tuple(filter(None, rest.get(COLUMNS, "").split(",")))
        sort = rest.get(ORDER_VAR, "")
        for name in (COLUMNS, VIEW, ORDER_VAR, PAGE_VAR, ERROR_FLAG, IS_POPUP_VAR):
            rest.pop(name, None)
        kept = QueryDict(mutable=True)
        for name in sorted(rest):
            values = [value for value in rest.getlist(name) if value]
            if values:
                kept.setlist(name, values)
        return cls(kept.urlencode(), sort, columns)

    def address(self) -> str:
        asked = QueryDict(self.query, mutable=True)
        if self.sort:
            asked[ORDER_VAR] = self.sort
        if self.columns:
            asked[COLUMNS] = ",".join(self.columns)
        return asked.urlencode()


def shape_of(view: SavedView) -> Shape:
    return Shape(view.query, view.sort, tuple(view.columns))


def views_of(request: HttpRequest, label: str) -> list[SavedView]:
    """Answer the person's views of a list. The shell asks twice per page: read once."""
    known: dict[str, list[SavedView]] = request.__dict__.setdefault("_saved_views", {})
    if label not in known:
        user: Any = request.user
        known[label] = list(SavedView.objects.filter(model=label).of_user(user)) if user.is_authenticated else []
    return known[label]


def list_shown(request: HttpRequest) -> str:
    """Answer which record list a request is about, such as inventory.item; nothing for other pages."""
    found = request.resolver_match
    name = found.url_name if found and found.namespace == "admin" else ""
    if not name or not name.endswith("_changelist") or IS_POPUP_VAR in request.GET:
        return ""
    app, _, model = name.removesuffix("_changelist").partition("_")
    return f"{app}.{model}"


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Answer the tabs above the list that is asked for: everything, then the person's views of it."""
    label = list_shown(request)
    views = views_of(request, label) if label else []
    if not views:
        return []
    shape = Shape.of(request.GET)
    items = [{"title": _("All"), "link": f"{request.path}?{VIEW}=all", "active": shape == Shape()}]
    for view in views:
        at = shape_of(view)
        items.append({"title": view.name, "link": f"{request.path}?{at.address()}", "active": shape == at})
    return [{"models": [label], "items": items}]


def first_address(request: HttpRequest, label: str) -> str:
    """Answer with what a list opens that was asked for bare: the person's default view, or the place he is at.

    Who empties the filters of a list comes from that same list, and is left alone.
    """
    if request.GET or page_before(request).path == request.path:
        return ""
    # One's own before a role's.
    for view in sorted(views_of(request, label), key=lambda view: view.user_id is None):
        if view.is_default:
            return shape_of(view).address()
    place = places.here(request) if label == "inventory.stocklevel" else ""
    return f"place={place}" if place else ""


def columns_of(model_admin: Any, request: HttpRequest) -> list[tuple[str, str]]:
    """Answer the columns a list can show to this person, with their headings."""
    return [
        (column_name(column), capfirst(str(label_for_field(column, model_admin.model, model_admin))))
        for column in model_admin.all_columns(request)
    ]


def list_address(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


@transaction.atomic
def save_view(*, user: User | None, role: str, model: str, name: str, shape: Shape, is_default: bool) -> SavedView:
    """Keep a list under a name, for a person or for a role; a view of that name gets the new shape.

    Raises TooManyViews.
    """
    rows = SavedView.objects.filter(user=user, role=role, model=model)
    # One at a time per owner and list: names and the default are decided on what the others have done.
    kept = {view.name: view for view in rows.select_for_update()}
    if name not in kept and len(kept) >= MOST:
        raise TooManyViews
    if is_default:
        rows.exclude(name=name).update(is_default=False)
    view = kept.get(name) or SavedView(user=user, role=role, model=model, name=name)
    view.query, view.sort, view.columns = shape.query, shape.sort, list(shape.columns)
    view.is_default = is_default
    view.save()
    return view
