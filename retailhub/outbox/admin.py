"""Events and their deliveries, to look at; dead letters can be replayed."""

from __future__ import annotations

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from retailhub.core.admin_base import ReadOnlyAdmin, ReadOnlyInline, display, state
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.outbox.models import Delivery, OutboxEvent


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ("listener", "state", "attempts", "due_at", "done_at", "error")


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin[OutboxEvent]):
    list_display = ("created_at", "name", "payload_")
    search_fields = ("name__istartswith",)
    ordering = ("-pk",)
    fields = ("name", "created_at", "payload_")
    readonly_fields = ("payload_",)
    inlines = (DeliveryInline,)

    @display(description=gettext_lazy("payload"))
    def payload_(self, event: OutboxEvent) -> SafeString:
        return format_html('<span class="rh-mono">{}</span>', json.dumps(event.payload)[:200])


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    list_display = ("event_", "listener", "state_", "attempts", "due_at", "done_at", "error_", "replay_")
    list_display_links = None
    list_select_related = ("event",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_before_template = "rh/outbox_before.html"
    search_fields = ("event__name__istartswith",)
    ordering = ("-pk",)
    fields = (("event", "listener"), ("state", "attempts"), ("due_at", "done_at"), "error", "replay_")
    readonly_fields = ("replay_",)

    @display(description=gettext_lazy("event"))
    def event_(self, delivery: Delivery) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>',
            reverse("admin:outbox_outboxevent_change", args=[delivery.event_id]),
            delivery.event.name,
        )

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, delivery: Delivery) -> SafeString:
        return state(delivery.state, delivery.get_state_display())

    @display(description=gettext_lazy("what went wrong"))
    def error_(self, delivery: Delivery) -> str:
        return delivery.error.strip().rsplit("\n", 1)[-1][:160]

    @display(description=gettext_lazy("next step"))
    def replay_(self, delivery: Delivery) -> SafeString | str:
        if delivery.state != Delivery.State.DEAD:
            return ""
        address = reverse("outbox_replay", args=[delivery.pk])
        return format_html(
            '<a class="rh-btn rh-small" href="{}" hx-get="{}" hx-target="#rh-dialog-box">{}</a>',
            address,
            address,
            gettext_lazy("Replay"),
        )
