"""What channels told us, as it came in."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from channels.admin.accounts import accounts_of
from channels.admin.listings import AccountFilter
from channels.models import InboxMessage
from retailhub.core.admin_base import ReadOnlyAdmin, display, state
from retailhub.core.filters import ChoicesDropdownFilter


@admin.register(InboxMessage)
class InboxMessageAdmin(ReadOnlyAdmin[InboxMessage]):
    list_display = ("received_at", "channel", "topic", "external_id", "state_", "attempts", "error_", "replay_")
    list_select_related = ("account__channel",)
    list_filter = (AccountFilter, ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    search_fields = ("external_id__iexact", "event_id__iexact")
    search_help_text = gettext_lazy("The channel's own id")
    ordering = ("-pk",)
    scoped_by: ClassVar = ("account", accounts_of)
    fields = (
        ("account", "topic"), ("external_id", "version"), ("event_id", "received_at"), ("state", "attempts"),
        "error", "text",
    )  # fmt: skip
    readonly_fields = ("text",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboxMessage]:
        rows = super().get_queryset(request).defer("account__credentials", "headers")
        match = request.resolver_match
        return rows.defer("body") if match and match.url_name == "channels_inboxmessage_changelist" else rows

    @display(description=gettext_lazy("channel"))
    def channel(self, message: InboxMessage) -> str:
        return message.account.channel.name

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, message: InboxMessage) -> SafeString:
        return state(message.state, message.get_state_display().partition(":")[0])

    @display(description=gettext_lazy("what went wrong"))
    def error_(self, message: InboxMessage) -> str:
        return message.error[:120]

    @display(description=gettext_lazy("as it came in"))
    def text(self, message: InboxMessage) -> SafeString:
        body = bytes(message.body)[:20_000].decode("utf-8", "replace")
        return format_html('<span class="rh-mono" style="white-space:pre-wrap">{}</span>', body)

    @display(description=gettext_lazy("next step"))
    def replay_(self, message: InboxMessage) -> SafeString | str:
        if message.state != InboxMessage.State.QUARANTINED:
            return ""
        address = reverse("channels:inbox_replay", args=[message.pk])
        return format_html(
            '<a class="rh-btn rh-small" href="{}" hx-get="{}" hx-target="#rh-dialog-box">{}</a>',
            address,
            address,
            gettext_lazy("Replay"),
        )
