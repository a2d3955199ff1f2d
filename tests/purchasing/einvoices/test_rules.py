"""The official rules of EN 16931, applied by the engine of the extra `einvoice-rules`."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from purchasing.einvoices import rules
from purchasing.einvoices.document import Format, ReadInvoice
from purchasing.einvoices.findings import Severity
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.rules import rule_findings
from tests.purchasing.einvoices.writing import an_invoice, as_ubl, small_cii
from tests.shared_data import shared_data

pytest.importorskip("saxonche", reason="the extra einvoice-rules is not installed")


def read(xml: str) -> ReadInvoice:
    return read_invoice(xml.encode(), "bill.xml")


def codes(xml: str) -> set[str]:
    return {finding.code for finding in rule_findings(read(xml))}


def test_a_wrong_sum_is_found_by_the_rules_and_by_us_under_the_same_code() -> None:
    invoice = an_invoice()
    wrong = replace(invoice, totals=replace(invoice.totals, payable=invoice.totals.payable + Decimal("0.01")))

    (finding,) = [one for one in rule_findings(read(as_ubl(wrong))) if one.code == "BR-CO-16"]

    assert (finding.severity, finding.place) == (Severity.ERROR, "/Invoice/LegalMonetaryTotal")
    assert "BR-CO-16" not in codes(as_ubl(invoice))


def test_a_cross_industry_invoice_is_judged_by_the_rules_of_its_profile() -> None:
    found = rule_findings(read(small_cii(due="118.00")))

    assert "BR-CO-16" in {finding.code for finding in found}
    assert all(finding.code != "rules_not_applied" for finding in found)


def test_the_examples_of_the_standard_keep_its_rules() -> None:
    folder = shared_data("einvoice-xml", "ConnectingEurope__eInvoicing-EN16931", "ubl", "examples")
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.casefold() == ".xml")
    assert len(files) == 12

    broken = {
        (path.name, finding.code)
        for path in files
        for finding in rule_findings(read_invoice(path, path.name))
        if finding.severity is Severity.ERROR
    }

    assert broken == set()


def test_a_profile_without_rules_is_told_so() -> None:
    for odd in (
        replace(read(small_cii()), format=Format.ZUGFERD_1),
        replace(read(small_cii()), profile="", customization="urn:x"),
    ):
        (note,) = rule_findings(odd)

        assert (note.code, note.severity) == ("rules_not_applied", Severity.NOTE)
        assert odd.customization in note.detail


def test_rules_that_are_not_installed_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = read(small_cii())
    monkeypatch.setattr(rules.importlib.util, "find_spec", lambda name: None)

    (note,) = rule_findings(invoice)

    assert (note.code, "einvoice-rules" in note.detail) == ("rules_not_applied", True)


def test_an_engine_that_dies_is_replaced() -> None:
    invoice = read(small_cii())
    expected = rule_findings(invoice)
    first = rules._KEEPER._child
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    assert rule_findings(invoice) == expected
    assert rules._KEEPER._child is not first


def test_one_engine_serves_many_documents() -> None:
    rule_findings(read(small_cii()))
    first = rules._KEEPER._child

    rule_findings(read(as_ubl(an_invoice())))

    assert rules._KEEPER._child is first


def test_a_forked_process_has_an_engine_of_its_own() -> None:
    invoice = read(small_cii())
    expected = rule_findings(invoice)
    mine = rules._KEEPER._child

    with multiprocessing.get_context("fork").Pool(1) as pool:
        theirs = pool.apply(rule_findings, (invoice,))

    assert theirs == expected
    assert rule_findings(invoice) == expected
    assert rules._KEEPER._child is mine


def test_an_engine_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = read(as_ubl(an_invoice()))
    monkeypatch.setattr(rules, "SECONDS", 0)

    (note,) = rule_findings(invoice)

    assert (note.code, "too long" in note.detail) == ("rules_not_applied", True)


def test_a_long_invoice_passes_through_the_engine() -> None:
    assert "rules_not_applied" not in codes(as_ubl(an_invoice(1_000)))
