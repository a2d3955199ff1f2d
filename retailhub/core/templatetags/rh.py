"""How figures, times, states and references are written on every page."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import get_language, gettext, to_locale

from retailhub.core import money as amounts
from retailhub.core.references import address_of

register = template.Library()

_TONES = {
    "good": """allocated shipped collected received live done idle applied active captured ok unchanged
        matched approved posted paid closed sent delivered acknowledged""",
    "warn": """part_allocated part_shipped part_received held paused unsure waiting draft short setup mapped
        discrepancy late stale throttled unknown retryable on_hold submitted disputed closed_short""",
    "bad": """open error failed dead refused rejected quarantined unmapped oversold dead_letter listing_refused
        job_failed revoked expired""",
    "info": """ready in_transit running sending due pending picking ready_for_pickup issued""",
}
TONES: dict[str, str] = {state: tone for tone, states in _TONES.items() for state in states.split()}


def _locale() -> str:
    return to_locale(get_language() or "en")


def _babel_locale() -> str:
    locale = _locale()
    return "zh_Hans" if locale.startswith("zh_Hans") else locale


@register.filter
def qty(value: int | Decimal | None) -> str:
    """Write a quantity with the reader's thousands separators; nothing for None."""
    return "" if value is None else str(format_decimal(value, locale=_babel_locale()))


@register.filter
def named(code: str, names: dict[str, str]) -> str:
    """Write what a code is called; the code itself where it has no name."""
    return names.get(code, code)


@register.filter
def signed(value: int | None) -> str:
    """Write a change with its sign, a real minus in front of what went."""
    if value is None:
        return ""
    return ("+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else "") + qty(abs(value))


@register.filter
def money(value: Decimal | None, currency: str | None = "") -> str:
    """Write an amount with its currency."""
    if value is None:
        return ""
    if not currency:
        return str(format_decimal(value, locale=_babel_locale()))
    return amounts.shown(value, currency, _babel_locale())


@register.filter
def percent_of(part: int | None, whole: int | None) -> str:
    """Answer what share of `whole` the part is, as a number for a style attribute: 12.5."""
    if not part or not whole or whole <= 0:
        return "0"
    return f"{min(100.0, max(0.0, 100 * part / whole)):.2f}"


@register.filter
def tone(state: object) -> str:
    """Answer the colour class that goes with a state; the word beside it says the same."""
    found = TONES.get(str(state), "")
    return f"rh-is-{found}" if found else ""


@register.simple_tag
def pill(state: object, label: object = "") -> SafeString:
    return format_html('<span class="rh-pill {}">{}</span>', tone(state), label or state)


@register.simple_tag
def when(moment: datetime | None, *, empty: str = "\N{EN DASH}") -> SafeString:
    """A time in UTC that the page's script rewrites in the reader's own zone."""
    if moment is None:
        return format_html("{}", empty)
    return format_html(
        '<time class="rh-time" datetime="{}">{}</time>',
        moment.isoformat(),
        f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}",
    )


@register.simple_tag
def since(moment: datetime | None) -> SafeString:
    """How long ago, in words; the exact time is in the tooltip."""
    if moment is None:
        return format_html("{}", "\N{EN DASH}")
    ago = timezone.now() - moment
    words = gettext("now") if timedelta(0) <= ago < timedelta(minutes=1) else timesince(moment, depth=1)
    return format_html('<time class="rh-time" data-rh-since datetime="{}">{}</time>', moment.isoformat(), words)


@register.filter
def milliseconds(value: int | None) -> str:
    """Write a duration the way people compare them: 340 ms, 2.4 s, 3 min."""
    if value is None:
        return "\N{EN DASH}"
    if value < 1000:
        return f"{value} ms"
    return f"{value / 1000:.1f} s" if value < 120_000 else f"{value // 60_000} min"


@register.simple_tag
def ref(document: str | None) -> SafeString:
    """A document's reference such as order:1042 as a link to its page, or as plain words where there is none."""
    if not document:
        return SafeString("")
    address = address_of(document)
    words = document.partition(":")[2] or document
    return format_html('<a href="{}">{}</a>', address, words) if address else format_html("{}", words)


@register.simple_tag
def full_ref(document: str | None) -> SafeString:
    """The same with the kind of document, where several kinds stand in one column."""
    address = address_of(document or "")
    return format_html('<a href="{}">{}</a>', address, document) if address else format_html("{}", document or "")


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: Any) -> str:
    """The page's own query string with some parameters changed; None takes one out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in (None, ""):
            query[name] = str(value)
    return f"?{query.urlencode()}"
