"""What the shell's own pages show of ours: the place this device is at, and what can be done with a list's view."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from retailhub.core.pages import principal_of
from retailhub.home import places
from retailhub.home.saved_views import Shape, list_shown, shape_of, views_of

register = template.Library()


@register.simple_tag(takes_context=True)
def place_switch(context: template.Context) -> dict[str, Any]:
    """The place that pages start with, and whether there are others to choose."""
    request = context["request"]
    return {
        "several": len(places.open_to(principal_of(request))) > 1,
        "name": places.names().get(places.here(request), ""),
    }


@register.simple_tag(takes_context=True)
def view_steps(context: template.Context) -> dict[str, str]:
    """Addresses of what can be done with the list as it is: save it, when no view has its shape; remove that view."""
    request = context["request"]
    label = list_shown(request)
    if not label:
        return {}
    shape = Shape.of(request.GET)
    of = urlencode({"of": shape.address()})
    steps = {"columns": f"{reverse('view_columns', args=[label])}?{of}"}
    same = [view for view in views_of(request, label) if shape_of(view) == shape]
    if not same and shape != Shape():
        steps["save"] = f"{reverse('view_save', args=[label])}?{of}"
    for view in same:
        if view.user_id is not None or principal_of(request).may("system:write"):
            steps["remove"] = reverse("view_remove", args=[view.pk])
    return steps
