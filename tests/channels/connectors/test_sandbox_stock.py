from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from channels.connectors.base import ItemResult, ListingDraft, NeedsAuth, Outcome, StockTarget
from channels.connectors.sandbox.connector import SandboxConnector, batch_key
from channels.connectors.sandbox.mapping import listing_result
from tests.channels.sandbox_fixture import RunningShop


def target(external_id: str, quantity: int, *, expected: int | None, version: int = 1, key: str = "k") -> StockTarget:
    return StockTarget(
        listing_id=1, external_id=external_id, quantity=quantity, expected=expected, version=version, key=key
    )


def many_targets(connector: SandboxConnector, shop: RunningShop, sku: str, many: int) -> list[StockTarget]:
    """So many listings at the shop, and a figure of 1 for each."""
    drafts = [
        ListingDraft(
            listing_id=n, sku=f"{sku}-{n}", title="Mug", price=Decimal("5.00"), currency="EUR", key=f"{sku}-l{n}"
        )
        for n in range(many)
    ]
    results = connector.push_listings(shop.account(), drafts)
    assert all(result.outcome == Outcome.OK and result.external_id for result in results)
    return [target(result.external_id or "", 1, expected=0, key=f"{sku}-{n}") for n, result in enumerate(results)]


def outcomes(results: list[ItemResult]) -> list[str]:
    return [str(result.outcome) for result in results]


def test_figures_arrive_and_can_be_read_back(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku, quantity=3)

    [result] = connector.push_stock(shop.account(), [target(listing_id, 8, expected=3, version=5, key=sku)])

    assert (result.outcome, result.key, result.external_id, result.actual) == (Outcome.OK, sku, listing_id, 8)
    [reading] = connector.read_stock(shop.account(), [listing_id, "99999999"])
    assert (reading.external_id, reading.sku, reading.quantity, reading.version) == (listing_id, sku, 8, 5)


def test_a_sale_in_between_is_told_as_stale(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku, quantity=3)
    shop.buy(sku)

    [result] = connector.push_stock(shop.account(), [target(listing_id, 8, expected=3, key=sku)])

    assert (result.outcome, result.code, result.actual) == (Outcome.STALE, "expected_differs", 2)
    assert shop.stock()[sku] == 2


def test_an_older_version_is_told_as_stale(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku, quantity=3)
    connector.push_stock(shop.account(), [target(listing_id, 5, expected=3, version=7, key=f"{sku}-new")])

    [result] = connector.push_stock(shop.account(), [target(listing_id, 3, expected=5, version=6, key=f"{sku}-old")])

    assert (result.outcome, result.code) == (Outcome.STALE, "older_version")
    assert (result.actual, result.actual_version) == (5, 7)


def test_what_is_not_there_is_rejected_alone(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku)

    results = connector.push_stock(
        shop.account(),
        [target("99999999", 1, expected=None, key=f"{sku}-1"), target(listing_id, 1, expected=None, key=f"{sku}-2")],
    )

    assert outcomes(results) == ["rejected", "ok"]
    assert (results[0].code, results[0].field) == ("listing_not_found", "listing_id")


def test_six_hundred_figures_go_in_three_calls_and_come_back_in_order(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 600)
    before = shop.log("request")[-1]["seq"]

    results = connector.push_stock(shop.account(), targets)

    assert [result.key for result in results] == [target.key for target in targets]
    assert set(outcomes(results)) == {"ok"}
    calls = [told["operation"] for told in shop.log("request", since=before)]
    assert calls == ["stock.bulk"] * 3
    assert len(connector.read_stock(shop.account(), [target.external_id for target in targets])) == 600


def test_a_429_at_the_second_call_leaves_the_first_call_done(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 600)
    shop.script_faults([{"operation": "stock.bulk", "kind": "429", "skip": 1, "seconds": 7}])

    results = connector.push_stock(shop.account(), targets)

    assert outcomes(results) == ["ok"] * 250 + ["throttled"] * 350
    assert {result.retry_after for result in results[250:]} == {7.0}
    assert [result.key for result in results] == [target.key for target in targets]


def test_a_server_error_at_the_second_call_leaves_the_first_call_done(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 300)
    shop.script_faults([{"operation": "stock.bulk", "kind": "500", "skip": 1}])

    results = connector.push_stock(shop.account(), targets)

    assert outcomes(results) == ["ok"] * 250 + ["throttled"] * 50
    assert results[-1].code == "internal_error"


def test_after_a_call_without_answer_nothing_more_is_sent(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 300)
    shop.script_faults([{"operation": "stock.bulk", "kind": "reset_after_commit"}])

    results = connector.push_stock(shop.account(), targets)

    assert outcomes(results) == ["unknown"] * 250 + ["throttled"] * 50
    assert results[-1].code == "not_sent"
    readings = connector.read_stock(shop.account(), [target.external_id for target in targets])
    assert sum(reading.quantity for reading in readings) == 250


def test_repeating_what_got_no_answer_finds_it_done(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku)
    wanted = [target(listing_id, 4, expected=0, key=sku)]
    shop.script_faults([{"operation": "stock.bulk", "kind": "reset_after_commit"}])
    assert outcomes(connector.push_stock(shop.account(), wanted)) == ["unknown"]
    shop.buy(sku)

    [again] = connector.push_stock(shop.account(), wanted)

    assert (again.outcome, again.replayed, again.actual) == (Outcome.OK, True, 4)
    assert shop.stock()[sku] == 3
    assert len([told for told in shop.log("stock_write") if told["listing_id"] == listing_id]) == 1


def test_every_second_figure_may_fail_and_is_tried_again_alone(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 4)
    shop.script_faults([{"operation": "stock.bulk", "kind": "partial_failure", "every": 2}])

    results = connector.push_stock(shop.account(), targets)
    assert outcomes(results) == ["ok", "throttled", "ok", "throttled"]
    assert (results[1].code, results[1].retry_after) == ("temporarily_unavailable", 1.0)

    left = [target for target, result in zip(targets, results, strict=True) if not result.applied]
    assert outcomes(connector.push_stock(shop.account(), left)) == ["ok", "ok"]


def test_a_batch_that_failed_whole_may_be_repeated_under_its_key(
    connector: SandboxConnector, shop: RunningShop, sku: str
) -> None:
    targets = many_targets(connector, shop, sku, 1)
    shop.script_faults([{"operation": "stock.bulk", "kind": "partial_failure", "every": 1}])

    assert outcomes(connector.push_stock(shop.account(), targets)) == ["throttled"]
    assert outcomes(connector.push_stock(shop.account(), targets)) == ["ok"]


def test_a_revoked_key_needs_a_person(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    listing_id = shop.add(sku)
    wrong = replace(shop.account(), credentials={"api_key": "revoked"})

    with pytest.raises(NeedsAuth):
        connector.push_stock(wrong, [target(listing_id, 1, expected=0)])
    with pytest.raises(NeedsAuth):
        connector.check(wrong)
    assert shop.stock()[sku] == 0


def test_nothing_to_send_sends_nothing(connector: SandboxConnector, shop: RunningShop) -> None:
    before = shop.log("request")[-1]["seq"]

    assert connector.push_stock(shop.account(), []) == []
    assert connector.push_listings(shop.account(), []) == []
    assert connector.read_stock(shop.account(), []) == []
    assert shop.log("request", since=before) == []


def test_the_key_of_a_call_is_made_of_what_is_in_it() -> None:
    one, two = target("1", 5, expected=1, key="a"), target("2", 5, expected=1, key="b")

    assert batch_key([one, two]) == batch_key([one, two])
    assert len({batch_key([one, two]), batch_key([two, one]), batch_key([one])}) == 3
    assert batch_key([one]) != batch_key([replace(one, quantity=6)])
    assert len(batch_key([one])) <= 45


def test_an_answer_nobody_understands_counts_as_no_answer() -> None:
    draft = ListingDraft(listing_id=1, sku="X", title="X", price=Decimal(1), currency="EUR", key="k")

    answers: list[object] = [{"outcome": "sideways"}, {}, None, [], {"outcome": "created"}]
    for told in answers:
        assert listing_result(draft, told).outcome == Outcome.UNKNOWN


def test_a_wrong_listing_is_rejected_with_the_field(connector: SandboxConnector, shop: RunningShop, sku: str) -> None:
    good = ListingDraft(listing_id=1, sku=sku, title="Mug", price=Decimal("1E+1"), currency="EUR", key="good")
    bad = replace(good, sku=f"{sku}-bad", currency="eur", key="bad")

    results = connector.push_listings(shop.account(), [good, bad])

    assert outcomes(results) == ["ok", "rejected"]
    assert (results[1].key, results[1].field) == ("bad", "currency")
    assert outcomes(connector.push_listings(shop.account(), [good])) == ["unchanged"]
