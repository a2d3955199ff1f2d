"""Things people do: scan, adjust, count what happens when it is refused, plan a transfer, watch a job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from inventory.models import Barcode, StockLevel
from retailhub.core.access import Role
from retailhub.core.models import Attention, Job
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


@pytest.fixture
def queue(shop: Shop) -> list[Attention]:
    Attention.objects.all().delete()
    return [
        Attention.objects.create(
            kind="short", subject=f"Row {number}", document=f"order:{number}", scope="orders:read", currency="EUR",
            at_risk=9 - number, raised_at=timezone.now() - timedelta(hours=1), step_label="Look", step_url="/jobs/",
        )
        for number in range(3)
    ]  # fmt: skip


def test_the_queue_is_worked_by_single_keys(queue: list[Attention], manager: Visitor) -> None:
    manager.go("/work/?show=all")
    page = manager.page

    def standing() -> str:
        return str(page.evaluate("document.activeElement.closest('tr')?.querySelector('th')?.innerText || ''"))

    for key in "jjk":
        page.keyboard.press(key)
        page.wait_for_timeout(120)
    assert "Row 0" in standing()
    page.keyboard.press("a")
    page.locator("#rh-dialog[open] #id_person").wait_for()
    page.keyboard.press("Tab")
    page.click("#rh-dialog button[type=submit]")
    page.locator("text=yours").first.wait_for()
    assert page.url.endswith("/work/?show=all")
    page.keyboard.press("j")
    page.wait_for_timeout(120)
    page.keyboard.press("h")
    page.locator("#rh-dialog[open] #id_until").wait_for()
    page.keyboard.press("Escape")
    assert "Row 0" in standing()
    page.locator("tr", has_text="Row 1").evaluate("row => { row.tabIndex = -1; row.focus(); }")
    page.wait_for_timeout(120)
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/")

    assert [row.assigned_to_id is not None for row in Attention.objects.order_by("pk")] == [True, False, False]
    assert not manager.trouble


def test_the_sheet_of_keys_leads_on_and_switches_them_off(queue: list[Attention], manager: Visitor) -> None:
    manager.go("/work/")
    page = manager.page

    page.keyboard.press("?")
    page.locator("#rh-keys[open]").wait_for()
    page.uncheck("#rh-keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_timeout(150)
    assert page.evaluate("document.activeElement.tagName") != "TR"
    page.locator("[data-rh-keys-open]").click()
    page.check("#rh-keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.wait_for_timeout(120)
    page.keyboard.press("i")
    page.wait_for_url("**/admin/inventory/item/")

    assert not manager.trouble


def test_letters_of_a_scanned_code_press_no_keys(queue: list[Attention], manager: Visitor) -> None:
    manager.go("/work/")
    manager.page.locator("tr", has_text="Row 1").evaluate("row => { row.tabIndex = -1; row.focus(); }")

    manager.page.evaluate(
        """keys => keys.forEach(
            key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
        )""",
        [*"AHA-HAJ?", "Enter"],
    )
    manager.page.wait_for_url("**/find/**")

    assert not manager.page.locator("dialog[open]").count()


def test_a_list_is_saved_and_removed_above_itself(shop: Shop, manager: Visitor) -> None:
    manager.go("/admin/inventory/item/?status__exact=active")
    page = manager.page

    page.locator("a", has_text="Save view").click()
    page.fill("#rh-dialog #id_name", "Live ones")
    page.click("#rh-dialog button[type=submit]")
    page.locator("#tabs-items a.active", has_text="Live ones").wait_for()
    page.locator("a", has_text="Remove view").click()
    page.click("#rh-dialog button[type=submit]")
    page.wait_for_url("**/admin/inventory/item/?view=all")

    assert not page.locator("#tabs-items").count()
    assert not manager.trouble


def test_the_place_of_this_device_is_changed_in_the_menu(shop: Shop, manager: Visitor) -> None:
    manager.go("/admin/inventory/stocklevel/")
    page = manager.page
    assert page.url.endswith("?place=lyon")

    page.locator("a.rh-place").click()
    page.select_option("#rh-dialog #id_place", "depot")
    page.click("#rh-dialog button[type=submit]")
    page.wait_for_url("**/stocklevel/?place=depot")

    assert "Depot" in page.inner_text("a.rh-place")
    assert not manager.trouble


def test_fields_with_a_search_of_their_own_have_a_name(shop: Shop, manager: Visitor) -> None:
    manager.go("/admin/inventory/item/add/")

    manager.page.locator(".select2-selection[aria-label=Category]").wait_for()
    for name in manager.page.locator("a[href]:visible, button:visible, [role=button]:visible").all():
        assert name.evaluate("spot => spot.ariaLabel || spot.title || spot.innerText.trim()"), name


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
