"""People, keys, jobs and the queue of what needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from retailhub.core.admin_base import HouseAdmin, HouseInline, ReadOnlyAdmin, display, state
from retailhub.core.filters import ChoicesDropdownFilter
from retailhub.core.models import ApiKey, Attention, IdempotencyKey, Job, Membership, User
from retailhub.core.templatetags.rh import money

if TYPE_CHECKING:
    from django.contrib.auth.admin import UserAdmin as _UserAdmin
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
else:
    from django.contrib.auth.admin import UserAdmin as _UserAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

if admin.site.is_registered(Group):
    admin.site.unregister(Group)  # rights come from roles, see core/access.py


class MembershipForm(forms.ModelForm[Membership]):
    locations = forms.CharField(
        required=False,
        label=gettext_lazy("places"),
        help_text=gettext_lazy("Codes of places, with commas between them. Not needed with “everywhere”."),
        widget=forms.TextInput(attrs={"class": "rh-input"}),
    )

    class Meta:
        model = Membership
        fields = ("role", "everywhere", "locations")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["locations"] = ", ".join(self.instance.locations)

    def clean_locations(self) -> list[str]:
        return [code.strip() for code in self.cleaned_data["locations"].split(",") if code.strip()]


class MembershipInline(HouseInline):
    model = Membership
    form = MembershipForm
    extra = 0


@admin.register(User)
class UserAdmin(HouseAdmin[User], _UserAdmin[User]):
    form = UserChangeForm  # type: ignore[assignment]
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "roles", "active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    inlines = (MembershipInline,)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": (("username", "password"), ("first_name", "last_name"), ("email", "home_location"))}),
        (gettext_lazy("Access"), {"fields": (("is_active", "is_staff"), "is_superuser")}),
        (gettext_lazy("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = list(super().get_readonly_fields(request, obj))
        # Only a superuser makes superusers; nobody takes his own rights away by accident.
        if not request.user.is_superuser:
            fixed.append("is_superuser")
        if obj is not None and obj.pk == request.user.pk:
            fixed += ["is_active", "is_staff"]
        return fixed

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True  # whoever is entered here works here; what he may do is said by his roles
        super().save_model(request, obj, form, change)

    @display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        if user.is_superuser:
            return str(gettext_lazy("everything"))
        return ", ".join(
            membership.get_role_display() + ("" if membership.everywhere else f" ({', '.join(membership.locations)})")
            for membership in user.memberships.all()
        )

    @display(description=gettext_lazy("active"), ordering="is_active")
    def active(self, user: User) -> SafeString:
        return state(
            "active" if user.is_active else "ended", gettext_lazy("yes") if user.is_active else gettext_lazy("no")
        )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    list_display = (
        "name",
        "prefix_",
        "scopes_",
        "locations_",
        "channel",
        "state_",
        "last_used_at",
        "expiry_date",
        "revoke_",
    )
    list_display_links = None
    list_before_template = "rh/api_keys_before.html"
    search_fields = ("name", "prefix")
    ordering = ("-created",)
    fields = (
        ("name", "prefix"),
        "scopes",
        ("locations", "channel"),
        ("created", "expiry_date"),
        ("revoked", "last_used_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).defer("hashed_key")

    @display(description=gettext_lazy("begins with"))
    def prefix_(self, key: ApiKey) -> SafeString:
        return format_html('<span class="rh-mono">{}</span>', key.prefix)

    @display(description=gettext_lazy("rights"))
    def scopes_(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description=gettext_lazy("places"))
    def locations_(self, key: ApiKey) -> str:
        return str(gettext_lazy("everywhere")) if key.locations is None else ", ".join(key.locations)

    @display(description=gettext_lazy("state"))
    def state_(self, key: ApiKey) -> SafeString:
        if key.revoked:
            return state("revoked", gettext_lazy("revoked"))
        if key.has_expired:
            return state("expired", gettext_lazy("expired"))
        return state("active", gettext_lazy("active"))

    @display(description=gettext_lazy("next step"))
    def revoke_(self, key: ApiKey) -> SafeString | str:
        if key.revoked:
            return ""
        address = reverse("api_key_revoke", args=[key.prefix])
        return format_html(
            '<a class="rh-btn rh-small" href="{}" hx-get="{}" hx-target="#rh-dialog-box">{}</a>',
            address,
            address,
            gettext_lazy("Revoke"),
        )


@admin.register(Attention)
class AttentionAdmin(ReadOnlyAdmin[Attention]):
    list_display = ("kind_", "subject", "reason", "raised_at", "at_risk_", "resolved_at", "resolved_by")
    list_filter = (("raised_at", admin.DateFieldListFilter),)
    search_fields = ("document__iexact",)
    ordering = ("-pk",)

    @display(description=gettext_lazy("kind"))
    def kind_(self, row: Attention) -> SafeString:
        return state("done" if row.resolved_at else row.kind, row.kind.replace("_", " "))

    @display(description=gettext_lazy("at risk"))
    def at_risk_(self, row: Attention) -> SafeString:
        return format_html('<span class="rh-num">{}</span>', money(row.at_risk, row.currency))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    list_display = ("label", "kind", "state_", "percent", "failed", "started_by", "created_at", "finished_at")
    list_select_related = ("started_by",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    ordering = ("-pk",)
    exclude = ("data",)

    @display(description=gettext_lazy("state"))
    def state_(self, job: Job) -> SafeString:
        return state(job.state, job.get_state_display())


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin[IdempotencyKey]):
    list_display = ("created_at", "actor", "route", "key", "state", "status")
    search_fields = ("key__iexact",)
    ordering = ("-pk",)
    exclude = ("body", "fingerprint", "lease")
    list_filter: ClassVar = ()
