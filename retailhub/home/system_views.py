"""The administrator's pages: dead letters, keys, and the trail of changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.apps import apps
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Location
from orders.models import SalesChannel
from retailhub.core.access import SCOPES
from retailhub.core.errors import DomainError
from retailhub.core.models import ApiKey
from retailhub.core.pages import Dialog, HouseForm, ShellPage, or_404
from retailhub.core.services.keying import make_key, revoke_key
from retailhub.outbox.models import Delivery
from retailhub.outbox.services.replaying import replay


class ReplayDelivery(Dialog):
    scope = "system:write"
    title = gettext_lazy("Deliver this event again?")
    explanation = gettext_lazy("The listener reads the present state, so delivering twice does no harm.")
    submit_label = gettext_lazy("Deliver again")
    done_message = gettext_lazy("It is on its way again.")

    def get_back_url(self) -> str:
        return f"{reverse('admin:outbox_delivery_changelist')}?state__exact=dead"

    def act(self, form: Any) -> None:
        delivery = or_404(Delivery.objects.filter(pk=self.kwargs["pk"]).first())
        replay(delivery_ids=[delivery.pk], by=self.principal.actor)


class ApiKeyForm(HouseForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=50,
        help_text=gettext_lazy("Who holds it: the program and where it runs."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
    locations = forms.MultipleChoiceField(
        label=gettext_lazy("Only at these places"),
        required=False,
        help_text=gettext_lazy("None ticked: everywhere."),
        widget=forms.CheckboxSelectMultiple,
    )
    channel = forms.ChoiceField(label=gettext_lazy("Only for this channel"), required=False)
    expiry_date = forms.DateTimeField(
        label=gettext_lazy("Valid until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places: Any = self.fields["locations"]
        places.choices = [
            (place.code, f"{place.name} ({place.code})")
            for place in Location.objects.places().exclude(kind=Location.Kind.TRANSIT)
        ]
        channel: Any = self.fields["channel"]
        channel.choices = [("", _("every channel")), *SalesChannel.objects.values_list("code", "name")]


class NewApiKey(Dialog):
    """Make a key. Its secret is in this one answer and nowhere else."""

    scope = "system:write"
    title = gettext_lazy("New API key")
    form_class = ApiKeyForm
    submit_label = gettext_lazy("Make the key")

    def get_back_url(self) -> str:
        return reverse("admin:core_apikey_changelist")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        data = form.cleaned_data
        try:
            key, secret = make_key(
                name=data["name"],
                scopes=data["scopes"],
                locations=data["locations"] or None,
                channel=data["channel"],
                expires_at=data["expiry_date"],
            )
        except DomainError as refusal:
            form.refuse(refusal)
            return self.show(form, status=409)
        template = "rh/api_key_made.html" if self.is_partial else "rh/api_key_made_page.html"
        answer = self.render(template, key=key, secret=secret, back_url=self.get_back_url())
        answer["Cache-Control"] = "no-store"
        return answer


class RevokeApiKey(Dialog):
    scope = "system:write"
    title = gettext_lazy("Revoke this key?")
    submit_label = gettext_lazy("Revoke")
    done_message = gettext_lazy("The key is revoked.")
    danger = True

    def get_back_url(self) -> str:
        return reverse("admin:core_apikey_changelist")

    @cached_property
    def key(self) -> ApiKey:
        found: ApiKey | None = ApiKey.objects.filter(prefix=self.kwargs["prefix"]).first()
        return or_404(found)

    def get_explanation(self) -> str:
        return _("“%(name)s” stops working at once and for good.") % {"name": self.key.name}

    def act(self, form: Any) -> None:
        revoke_key(self.key)


# --- the trail of changes ----------------------------------------------------------------------------------------

WATCHED: dict[str, tuple[str, str]] = {
    "item": ("inventory.ItemEvent", "sku"),
    "location": ("inventory.LocationEvent", "code"),
    "channel": ("orders.SalesChannelEvent", "code"),
    "customer": ("customers.CustomerEvent", "name"),
    "account": ("channels.AccountChannelKindBaseUrlStateStateReasonBufferSharePercentEvent", "channel"),
    "person": ("core.UserEvent", "username"),
    "role": ("core.MembershipEvent", "user"),
    "key": ("core.ApiKeyEvent", "name"),
}
_SILENT = {
    "pgh_id",
    "pgh_created_at",
    "pgh_label",
    "pgh_obj",
    "pgh_context",
    "id",
    "updated_at",
    "created_at",
    "search_text",
    "sku_key",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded change: when, who, of what, and each field's value before and after."""

    at: datetime
    kind: str
    subject: str
    label: str
    actor: str
    fields: list[tuple[str, Any, Any]]


def changes(kinds: Iterable[str], *, most: int, before: datetime | None = None) -> list[Change]:
    """Answer the newest changes of these tables, newest first; two statements per table."""
    found: list[Change] = []
    for kind in kinds:
        label, name = WATCHED[kind]
        model: Any = apps.get_model(label)
        rows = model.objects.order_by("-pgh_id").select_related("pgh_context")
        if kind in {"account", "role"}:
            rows = rows.select_related(name)
        if before:
            rows = rows.filter(pgh_created_at__lt=before)
        newest = list(rows[:most])
        earlier = _earlier(model, newest)
        found += [
            Change(
                at=row.pgh_created_at,
                kind=kind,
                subject=str(getattr(row, name) or row.pgh_obj_id),
                label=row.pgh_label,
                actor=(row.pgh_context.metadata.get("actor", "") if row.pgh_context else "") or "",
                fields=_differences(model, earlier.get(row.pgh_id), row),
            )
            for row in newest
        ]
    return sorted(found, key=lambda change: change.at, reverse=True)[:most]


def _earlier(model: Any, newest: list[Any]) -> dict[int, Any]:
    """Answer the state before each row, by the row's id."""
    window = models.Window(
        models.functions.Lag("pgh_id"), partition_by=models.F("pgh_obj_id"), order_by=models.F("pgh_id").asc()
    )
    objects = {row.pgh_obj_id for row in newest}
    lagged = model.objects.filter(pgh_obj_id__in=objects).annotate(previous=window).values_list("pgh_id", "previous")
    wanted = {row.pgh_id for row in newest}
    previous = {row: earlier for row, earlier in lagged.order_by("-pgh_id")[:2000] if row in wanted and earlier}
    states = model.objects.in_bulk(set(previous.values()), field_name="pgh_id")
    return {row: states[earlier] for row, earlier in previous.items() if earlier in states}


def _differences(model: Any, before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    if before is None:
        return []
    return [
        (capfirst(str(field.verbose_name)), *(_told(getattr(row, field.attname)) for row in (before, after)))
        for field in model._meta.concrete_fields
        if field.name not in _SILENT and getattr(before, field.attname) != getattr(after, field.attname)
    ]


def _told(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


class AuditPage(ShellPage):
    """Who changed what and when, of items, places, customers, channels, people and what they may do."""

    scope = "system:read"
    title = gettext_lazy("Audit")
    template_name = "rh/audit.html"
    most: ClassVar[int] = 50
    names: ClassVar[dict[str, Any]] = {
        "item": gettext_lazy("Items"),
        "location": gettext_lazy("Places"),
        "channel": gettext_lazy("Channels"),
        "account": gettext_lazy("Connections"),
        "customer": gettext_lazy("Customers"),
        "person": gettext_lazy("People"),
        "role": gettext_lazy("Roles"),
        "key": gettext_lazy("API keys"),
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = request.GET.get("kind", "")
        kinds = [kind] if kind in WATCHED else list(WATCHED)
        before = _moment(request.GET.get("before"))
        rows = changes(kinds, most=self.most, before=before)
        return self.render(
            changes=rows,
            kind=kind,
            kinds=list(self.names.items()),
            older=rows[-1].at.isoformat() if len(rows) == self.most else "",
        )


def _moment(value: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+")) if value else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
