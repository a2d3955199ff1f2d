"""Who may import whom, and that every name written as text leads somewhere."""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from importlinter.cli import lint_imports

from retailhub.celery import app
from retailhub.subscriptions import SUBSCRIPTIONS

ROOT = Path(settings.BASE_DIR)
UNHEARD = {
    "orders.orders_placed": "the order book itself has reserved and answered; reports read the book",
    "purchasing.invoices_matched": "the match itself has raised what needs a person; pages read the invoices",
    "purchasing.special_order_ended": "stock has promised or freed the goods already; the link itself tells the rest",
}
"""Events that nobody hears on purpose, and why."""


def events() -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for path in sorted(ROOT.glob("*/events.py")):
        module = import_module(f"{path.parent.name}.events")
        for entry in vars(module).values():
            if dataclasses.is_dataclass(entry) and isinstance(entry, type) and entry.__module__ == module.__name__:
                found[entry.name] = entry
    return found


def test_apps_know_only_what_lies_below_them() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted({path for paths in SUBSCRIPTIONS.values() for path in paths}))
def test_every_listener_is_there(path: str) -> None:
    listener = import_string(path)

    assert listener.__module__.endswith(".listeners")
    assert listener([]) is None, "nothing to hear is nothing to do"


def test_every_event_is_heard_or_left_unheard_on_purpose() -> None:
    known = events()

    assert set(SUBSCRIPTIONS) <= set(known), "a subscription to something nobody says"
    assert set(known) - set(SUBSCRIPTIONS) == set(UNHEARD)


def test_events_are_facts_made_of_ids_named_after_their_app() -> None:
    for name, event in events().items():
        assert name.partition(".")[0] == event.__module__.partition(".")[0]
        assert event.__dataclass_params__.frozen, name
        for field in dataclasses.fields(event):
            assert str(field.type) in {"int", "str", "list[int]", "list[str]"}, f"{name}.{field.name}"


@pytest.mark.parametrize("entry", sorted(settings.CELERY_BEAT_SCHEDULE))
def test_every_beat_rings_a_task_that_is_there(entry: str) -> None:
    app.loader.import_default_modules()

    assert settings.CELERY_BEAT_SCHEDULE[entry]["task"] in app.tasks


def test_every_bell_names_a_task_that_is_there() -> None:
    app.loader.import_default_modules()
    named = {
        name
        for package in ("inventory", "orders", "customers", "channels", "retailhub")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'ring(?:_on_commit)?\(\s*"([\w.]+)"', path.read_text())
    }

    assert named
    assert named <= set(app.tasks)
