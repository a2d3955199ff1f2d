"""Lists as people keep them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from retailhub.core.access import Role
from retailhub.core.models import Membership, User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def of_user(self, user: User) -> SavedViewQuerySet:
        """Keep the person's own views and those of the roles he has."""
        roles = Membership.objects.filter(user=user).values("role")
        return self.filter(Q(user=user) | Q(user=None, role__in=roles))


class SavedView(models.Model):
    """A record list as one person, or everybody in one role, keeps it: narrowed, sorted, with some of its columns."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="saved_views"
    )
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    model = models.CharField(max_length=80, help_text="Of which list: inventory.item")
    name = models.CharField(max_length=40)
    # As the address of the list has it; the list itself says what may be asked of it.
    query = models.CharField(max_length=2000, blank=True)
    columns = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Empty: all of them.")
    sort = models.CharField(max_length=60, blank=True)
    is_default = models.BooleanField(default=False, help_text="Whether the list opens with it.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(SavedViewQuerySet)()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, role="") | (Q(user__isnull=True) & ~Q(role="")),
                name="saved_view_of_a_person_or_of_a_role",
            ),
            models.UniqueConstraint(
                fields=["user", "model", "name"], condition=Q(role=""), name="saved_view_one_per_person_and_name"
            ),
            models.UniqueConstraint(
                fields=["role", "model", "name"], condition=Q(user=None), name="saved_view_one_per_role_and_name"
            ),
            models.UniqueConstraint(
                fields=["user", "model"],
                condition=Q(role="", is_default=True),
                name="saved_view_one_default_per_person",
            ),
            models.UniqueConstraint(
                fields=["role", "model"],
                condition=Q(user=None, is_default=True),
                name="saved_view_one_default_per_role",
            ),
        ]

    def __str__(self) -> str:
        return self.name
