"""The chart of accounts: verbs name an account by its role, people by its number."""

from __future__ import annotations

from typing import ClassVar

import pghistory
import pgtrigger
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

ROLES = (
    "bank",
    "inventory",
    "in_transit",
    "supplier_claims",
    "supplier_prepayments",
    "ginr",
    "input_tax",
    "payable",
    "grni",
    "landed_accrual",
    "opening",
    "cogs",
    "price_variance",
    "shrink",
    "write_down",
    "freight",
    "expense",
    "fx_gain",
    "fx_loss",
    "rounding",
)
"""What the house posts to by itself. Each role is on exactly one account; the migration makes them."""


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent())
class Account(models.Model):
    """One account of the ledger. Number and name are the accountant's; what it is for never changes."""

    class Kind(models.TextChoices):
        ASSET = "asset", "Asset"
        LIABILITY = "liability", "Liability"
        EQUITY = "equity", "Equity"
        INCOME = "income", "Income"
        EXPENSE = "expense", "Expense"

    # A number begins with a digit and a role with a letter, so that no word can mean either.
    number = models.CharField(
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[0-9][0-9A-Za-z.-]*$", "begin with a digit; then digits, letters, points, dashes")
        ],
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    role = models.CharField(
        max_length=24,
        null=True,
        blank=True,
        unique=True,
        help_text="What the house posts here by itself; accounts of your own have none.",
    )

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9][0-9A-Za-z.-]*$"), name="account_number_begins_with_digit"
            ),
            models.CheckConstraint(condition=Q(role__isnull=True) | Q(role__in=ROLES), name="account_role_is_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["asset", "liability", "equity", "income", "expense"]),
                name="account_kind_is_known",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(name="keeps_its_meaning", fields=["kind", "role"]),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"
