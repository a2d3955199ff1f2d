"""The channels: how each keeps up, what it refused and why, and the few things a person does about it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from channels import reading
from channels.forms import DESK, ConnectForm, ExposureForm, PauseForm, kind_choices
from channels.models import Account, InboxMessage, Listing
from channels.queries import explain, recent_pushes, sync_state
from channels.services.connecting import change_exposure, open_channel, pause_account, resume_account
from channels.services.pushing import retry_refused
from channels.services.recounting import want_account_pushed
from channels.services.taking_in import replay_inbox
from inventory.models import Item
from retailhub.core.pages import Dialog, ShellPage, or_404
from retailhub.core.text import DirtyText, sku_key


class ChannelsPage(ShellPage):
    scope = "channels:read"
    title = gettext_lazy("Channels")
    template_name = "channels/channels.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(
            lines=reading.channel_lines(self.principal),
            may_write=self.principal.may("channels:write"),
            kinds=kind_choices(),
        )


class OneChannel(ShellPage):
    """A page about the channel that its address names."""

    scope = "channels:read"

    @cached_property
    def account(self) -> Account:
        rows = Account.objects.for_principal(self.principal).select_related("channel__pool").defer("credentials")
        return or_404(rows.filter(channel__code=self.kwargs["code"]).first())

    def channel_url(self) -> str:
        return reverse("channels:channel", args=[self.account.channel.code])


class ChannelPage(OneChannel):
    template_name = "channels/channel.html"

    def get_title(self) -> str:
        return self.account.channel.name

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        account = self.account
        entries = account.channel.pool.entries.select_related("location")
        return self.render(
            account=account,
            places=[entry.location for entry in entries],
            troubled=reading.troubled_listings(account),
            pushes=recent_pushes(account, 20),
            may_write=self.principal.may("channels:write"),
            is_desk=account.kind == DESK,
            **health_of(account),
        )


class ChannelHealth(OneChannel):
    """The figures alone, asked every few seconds while the page is open."""

    template_name = "channels/health.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render(account=self.account, **health_of(self.account))


def health_of(account: Account) -> dict[str, Any]:
    state = sync_state(account)
    return {
        "sync": state,
        "chart": reading.lag_chart(state.minutes),
        "lag_p50": reading.ms(state.lag_p50),
        "lag_p95": reading.ms(state.lag_p95),
        "oldest_wait": reading.ms(state.oldest_wait),
        "minutes": [
            {**minute, "p50": reading.ms(minute["lag_p50"]), "p95": reading.ms(minute["lag_p95"])}
            for minute in reversed(state.minutes)
        ],
    }


class ChannelDialog(OneChannel, Dialog):
    scope = "channels:write"

    def get_back_url(self) -> str:
        return self.channel_url()


class PauseChannel(ChannelDialog):
    form_class = PauseForm
    submit_label = gettext_lazy("Pause")
    explanation = gettext_lazy("Nothing more is written to the channel. Its orders are taken all the same.")
    done_message = gettext_lazy("Paused.")
    danger = True

    def get_title(self) -> str:
        return _("Pause %(channel)s") % {"channel": self.account.channel.name}

    def act(self, form: PauseForm) -> None:
        pause_account(account_id=self.account.pk, reason=form.cleaned_data["reason"], actor=self.principal.actor)


class ResumeChannel(ChannelDialog):
    submit_label = gettext_lazy("Go live")
    explanation = gettext_lazy("Every live listing is told its figure of now.")
    done_message = gettext_lazy("Live.")

    def get_title(self) -> str:
        return _("%(channel)s goes live") % {"channel": self.account.channel.name}

    def act(self, form: Any) -> None:
        resume_account(account_id=self.account.pk, actor=self.principal.actor)


class SyncNow(ChannelDialog):
    submit_label = gettext_lazy("Sync now")
    explanation = gettext_lazy("Every live listing is told its figure again, also where the channel has confirmed it.")

    def get_title(self) -> str:
        return _("Tell %(channel)s everything again") % {"channel": self.account.channel.name}

    def act(self, form: Any) -> str:
        count = want_account_pushed(self.account)
        return ngettext("%(n)s listing is told.", "%(n)s listings are told.", count) % {"n": count}


class Retry(ChannelDialog):
    """Try refused figures again: one listing's (?listing=), or all."""

    submit_label = gettext_lazy("Try again")

    def get_title(self) -> str:
        listing = self.listing
        return _("Try %(sku)s again") % {"sku": listing.seller_sku} if listing else _("Try everything refused again")

    @cached_property
    def listing(self) -> Listing | None:
        pk = self.request.GET.get("listing", "")
        if not pk:
            return None
        return or_404(Listing.objects.filter(account=self.account, pk=int(pk)).first() if pk.isdecimal() else None)

    def get_explanation(self) -> str:
        return self.listing.error if self.listing else ""

    def act(self, form: Any) -> str:
        ids = [self.listing.pk] if self.listing else None
        count = retry_refused(account=self.account, listing_ids=ids)
        return ngettext("%(n)s figure is tried again.", "%(n)s figures are tried again.", count) % {"n": count}


class Exposure(ChannelDialog):
    form_class = ExposureForm
    submit_label = gettext_lazy("Save")
    explanation = gettext_lazy("How much of our stock this channel sees, where a listing does not say otherwise.")
    done_message = gettext_lazy("Saved. The listings are told their new figures.")

    def get_title(self) -> str:
        return _("What %(channel)s sees") % {"channel": self.account.channel.name}

    def get_initial(self) -> dict[str, Any]:
        return {"buffer": self.account.buffer, "share_percent": self.account.share_percent}

    def act(self, form: ExposureForm) -> None:
        change_exposure(account_id=self.account.pk, **form.cleaned_data)


class ConnectChannel(Dialog):
    """A new channel. Nothing is written to it before somebody lets it go live."""

    scope = "channels:write"
    form_class = ConnectForm
    submit_label = gettext_lazy("Connect")
    made = ""

    @cached_property
    def kind(self) -> str:
        kinds = dict(kind_choices())
        asked = self.request.GET.get("kind", DESK)
        return asked if asked in kinds else DESK

    def get_title(self) -> str:
        return _("Connect: %(kind)s") % {"kind": dict(kind_choices())[self.kind]}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def get_back_url(self) -> str:
        return reverse("channels:channel", args=[self.made]) if self.made else reverse("channels:index")

    def act(self, form: ConnectForm) -> str:
        data, options = form.cleaned_data, form.told(secret=False)
        channel = open_channel(
            code=data["code"],
            name=data["name"],
            kind=self.kind,
            currency=data["currency"],
            location_codes=data["locations"],
            prices_include_tax=data["prices_include_tax"],
            base_url=options.pop("base_url", ""),
            credentials=form.told(secret=True),
            options=options,
        )
        self.made = channel.code
        return _("%(channel)s is connected.") % {"channel": channel.name}


class ReplayInbox(Dialog):
    scope = "system:write"
    title = gettext_lazy("Work this message off again?")
    explanation = gettext_lazy("The object it tells of is fetched from the channel, so doing it twice does no harm.")
    submit_label = gettext_lazy("Replay")
    done_message = gettext_lazy("It is being worked off again.")

    def get_back_url(self) -> str:
        return f"{reverse('admin:channels_inboxmessage_changelist')}?state__exact=quarantined"

    def act(self, form: Any) -> None:
        accounts = Account.objects.for_principal(self.principal)
        message = or_404(InboxMessage.objects.filter(pk=self.kwargs["pk"], account__in=accounts).only("pk").first())
        replay_inbox(message_ids=[message.pk], by=self.principal.actor)


class ItemChannels(ShellPage):
    """Why each channel shows the number it shows: a panel of the item page."""

    scope = "channels:read"
    template_name = "channels/item_channels.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            key = sku_key(kwargs["sku"])
        except DirtyText:
            key = ""
        item = or_404(Item.objects.filter(sku_key=key).only("pk", "sku", "kind").first())
        listings = Listing.objects.for_principal(self.principal).filter(item=item)
        listings = listings.select_related("account__channel", "item").defer("account__credentials", "item__cost")
        return self.render(
            item=item, explanations=[explain(listing) for listing in listings.order_by("account", "pk")[:20]]
        )
