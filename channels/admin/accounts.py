"""Channel accounts. Secrets go in and never come out."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels.connectors.base import SettingField
from channels.forms import settings_of_kind
from channels.models import Account, Cursor
from channels.services.connecting import change_exposure
from retailhub.core.access import Principal
from retailhub.core.admin_base import HouseAdmin, ReadOnlyAdmin, display, state
from retailhub.core.filters import ChoicesDropdownFilter


def accounts_of(principal: Principal) -> QuerySet[Account]:
    return Account.objects.for_principal(principal)


class CredentialsField(forms.CharField):
    """One secret: empty keeps what is stored, which is never shown."""

    def __init__(self, setting: SettingField, *, stored: bool) -> None:
        super().__init__(
            label=setting.label,
            required=False,
            strip=True,
            max_length=2000,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "rh-input"}, render_value=False),
            help_text=_("Stored. Leave empty to keep it.") if stored else setting.help,
        )


class AccountForm(forms.ModelForm[Account]):
    """The account's plain fields, and one write-only field for each secret its connector asks for."""

    class Meta:
        model = Account
        fields = ("base_url", "buffer", "share_percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.secrets = [field for field in settings_of_kind(self.instance.kind) if field.secret]
        for setting in self.secrets:
            stored = bool((self.instance.credentials or {}).get(setting.name))
            self.fields[f"secret_{setting.name}"] = CredentialsField(setting, stored=stored)

    def save(self, commit: bool = True) -> Account:
        given = {
            setting.name: value
            for setting in self.secrets
            if (value := self.cleaned_data.get(f"secret_{setting.name}"))
        }
        if given:
            self.instance.credentials = {**(self.instance.credentials or {}), **given}
        return super().save(commit)


@admin.register(Account)
class AccountAdmin(HouseAdmin[Account]):
    form = AccountForm
    list_display = (
        "channel_",
        "kind",
        "state_",
        "last_push_at",
        "last_order_at",
        "failures_in_a_row",
        "buffer",
        "share_percent",
    )
    list_display_links = None
    list_select_related = ("channel",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    search_fields = ("channel__code", "channel__name")
    ordering = ("channel__code",)
    readonly_fields = (
        "channel", "kind", "state", "state_reason", "last_push_at", "last_order_at", "last_pull_at", "last_error",
    )  # fmt: skip
    # The JSON with the secrets is on no form and in no list; see AccountForm.
    exclude = ("credentials", "options", "pushing_token", "pushing_until")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer("credentials") if match and match.url_name == "channels_account_changelist" else rows

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        secrets = [f"secret_{field.name}" for field in settings_of_kind(obj.kind) if field.secret] if obj else []
        may_write = self.has_change_permission(request, obj)
        shown: list[Any] = [
            (None, {"fields": [("channel", "kind"), ("state", "state_reason"), "base_url"]}),
            (gettext_lazy("What this channel sees"), {"fields": [("buffer", "share_percent")]}),
        ]
        if secrets and may_write:
            shown.append((gettext_lazy("Secrets"), {"fields": secrets}))
        shown.append(
            (
                gettext_lazy("Health"),
                {"fields": [("last_push_at", "last_order_at"), "last_pull_at", "last_error"]},
            )
        )
        return shown

    def get_form(self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any) -> Any:
        # The secrets are fields of the form, not of the table: the factory must not look for them.
        kwargs["fields"] = ["base_url", "buffer", "share_percent"] if self.has_change_permission(request, obj) else []
        return super().get_form(request, obj, change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An account is made with its channel in one step, on the Channels page."""
        return False

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Save what the form holds and nothing else: a worker may pause the account or note its health meanwhile."""
        secrets = any(name.startswith("secret_") for name in form.changed_data)
        names = [name for name in form.changed_data if name == "base_url"]
        obj.save(update_fields=[*names, "credentials"] if secrets else names)
        if {"buffer", "share_percent"} & set(form.changed_data):
            change_exposure(account_id=obj.pk, buffer=obj.buffer, share_percent=obj.share_percent)

    @display(description=gettext_lazy("channel"), ordering="channel__code")
    def channel_(self, account: Account) -> SafeString:
        return format_html(
            '<a class="rh-strong" href="{}">{}</a>',
            reverse("channels:channel", args=[account.channel.code]),
            account.channel.name,
        )

    @display(description=gettext_lazy("state"), ordering="state")
    def state_(self, account: Account) -> SafeString:
        return state(account.state, account.get_state_display().partition(":")[0])


@admin.register(Cursor)
class CursorAdmin(ReadOnlyAdmin[Cursor]):
    list_display = ("account", "stream", "value")
    list_select_related = ("account__channel",)
    scoped_by: ClassVar = ("account", accounts_of)
