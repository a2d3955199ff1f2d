"""What needs a person is said once, in words that fit."""

from __future__ import annotations

import pytest

from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention

pytestmark = pytest.mark.django_db


def alarm(subject: str = "OR-1", reason: str = "why") -> Attention:
    return Attention(kind="short", subject=subject, reason=reason, document="order:OR-1", scope="orders:write")


def test_an_alarm_that_is_open_gets_the_new_words_and_a_settled_one_is_raised_anew() -> None:
    raise_attention([alarm(reason="first")])
    raise_attention([alarm(reason="second")])
    assert [row.reason for row in Attention.objects.all()] == ["second"]

    assert settle_attention(kind="short", documents=["order:OR-1"], by="ana") == 1
    raise_attention([alarm(reason="third")])

    assert Attention.objects.filter(resolved_at__isnull=True).get().reason == "third"
    assert Attention.objects.filter(resolved_by="ana").get().reason == "second"


def test_an_alarm_does_not_fail_for_what_it_quotes() -> None:
    raise_attention([alarm("x" * 500, "nul \0 and half \ud800")])
    raise_attention([alarm("y" * 500)])

    assert Attention.objects.get().subject == "y" * 200
