"""Things people do: scan, adjust, count what happens when it is refused, plan a transfer, watch a job."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inventory.models import Barcode, StockLevel
from retailhub.core.access import Role
from retailhub.core.models import Job
from tests.browser.conftest import Visitor
from tests.factories.core import person
from tests.pages.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CODE = "4006381333931"


@pytest.fixture
def manager(shop: Shop, visit: Callable[..., Visitor]) -> Visitor:
    Barcode(item=shop.mug, code=CODE).save()
    return visit(person(Role.STORE_MANAGER, home_location="lyon"))


def scan(visitor: Visitor, code: str) -> None:
    """Press the keys as fast as a scanner does, whatever else keeps this machine busy."""
    visitor.page.evaluate(
        """keys => keys.forEach(
            key => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
        )""",
        [*code, "Enter"],
    )


def test_a_scan_anywhere_opens_the_item(manager: Visitor) -> None:
    manager.go("/jobs/")

    scan(manager, CODE)
    manager.page.wait_for_url("**/items/MUG/BLUE/")

    assert manager.page.locator("h2", has_text="Enamel mug, blue").is_visible()


def test_slow_typing_outside_a_field_is_no_scan(manager: Visitor) -> None:
    manager.go("/jobs/")

    manager.page.keyboard.type("slowly", delay=80)
    manager.page.keyboard.press("Enter")
    manager.page.wait_for_timeout(200)

    assert manager.page.url.endswith("/jobs/")


def test_words_give_a_list_to_choose_from_by_keys(manager: Visitor) -> None:
    manager.go("/")
    field = manager.page.locator("#rh-find-home")

    field.press_sequentially("ename", delay=20)
    manager.page.locator(".rh-find-list a", has_text="Enamel mug").first.wait_for()
    field.press("ArrowDown")
    field.press("Enter")
    manager.page.wait_for_url("**/items/MUG/BLUE/")

    assert not manager.trouble


def test_an_adjustment_refused_in_place_and_then_posted(shop: Shop, manager: Visitor) -> None:
    manager.expected_statuses = {409}
    manager.go("/items/MUG/BLUE/")
    page = manager.page

    page.locator(".rh-actions a", has_text="Adjust").click()
    page.fill("#id_change", "-99")
    page.select_option("#id_reason", "loss")
    page.fill("#id_note", "fell off the van")
    page.click("#rh-dialog button[type=submit]")
    page.locator("#rh-dialog .rh-error").wait_for()
    assert "only 5 of MUG/BLUE" in page.inner_text("#rh-dialog")
    assert page.input_value("#id_note") == "fell off the van"
    page.fill("#id_change", "-2")
    page.click("#rh-dialog button[type=submit]")
    page.wait_for_function("document.getElementById('total-on-hand')?.textContent === '23'")

    assert StockLevel.objects.get(item=shop.mug, location=shop.lyon).sellable == 3
    assert "Adjusted by" in page.inner_text("body")
    assert not manager.trouble


def test_escape_closes_a_dialog_and_gives_the_focus_back(manager: Visitor) -> None:
    manager.go("/items/MUG/BLUE/")
    button = manager.page.locator(".rh-actions a", has_text="Count")

    button.click()
    manager.page.locator("#rh-dialog[open]").wait_for()
    manager.page.keyboard.press("Escape")

    assert manager.page.locator("#rh-dialog[open]").count() == 0
    assert button.evaluate("element => element === document.activeElement")


def test_the_same_code_scanned_twice_is_one_row_of_two(manager: Visitor) -> None:
    manager.go("/transfers/new/")
    field = manager.page.locator("#rh-code")

    for _scan in range(2):
        field.fill(CODE)
        with manager.page.expect_response("**/transfers/new/row/**"):
            field.press("Enter")
        manager.page.wait_for_function("document.getElementById('rh-code').value === ''")
    rows = manager.page.locator("#rh-rows tr")

    assert rows.count() == 1
    assert rows.locator("[name=quantity]").input_value() == "2"


def test_a_running_job_is_asked_for_until_it_is_over(manager: Visitor) -> None:
    job = Job.objects.create(kind="test", label="Long work", total=10, done=2, state=Job.State.RUNNING)
    manager.go("/jobs/")
    asked: list[str] = []
    manager.page.on("request", lambda request: asked.append(request.url) if "progress" in request.url else None)

    Job.objects.filter(pk=job.pk).update(done=10, state=Job.State.DONE)
    manager.page.locator(f"#job-{job.pk} .rh-pill", has_text="Done").wait_for()
    seen = len(asked)
    manager.page.wait_for_timeout(2500)

    assert len(asked) == seen


def test_the_first_tab_leads_past_the_menu(manager: Visitor) -> None:
    manager.go("/")
    page = manager.page

    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")

    assert skip == "rh-skip"
    assert page.evaluate("location.hash") == "#content"


def test_the_phones_menu_opens_by_keyboard(shop: Shop, visit: Callable[..., Visitor]) -> None:
    visitor = visit(person(Role.WAREHOUSE), width=390)
    visitor.go("/")

    visitor.page.locator("[role=button][aria-label]:visible").first.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.locator("#nav-sidebar-apps a", has_text="Items").first.wait_for(state="visible")

    assert not visitor.trouble
