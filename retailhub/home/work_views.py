"""The queue of work: its page, who looks after a row, and rows that are put off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.core.models import Attention, User
from retailhub.core.models.attention import AttentionQuerySet
from retailhub.core.pages import Dialog, HouseForm, ShellPage, or_404, page_before
from retailhub.core.references import address_of
from retailhub.core.services.attending import assign_attention, snooze_attention
from retailhub.home import queries
from retailhub.home.kinds import KINDS, label_of, tone_of


def dressed(row: Attention, user: Any) -> dict[str, Any]:
    """Answer a row of the queue as its template shows it to this person."""
    return {
        "row": row,
        "label": label_of(row.kind),
        "tone": tone_of(row.kind),
        "url": row.step_url or address_of(row.document),
        "step": row.step_label or _("Open"),
        "is_mine": row.assigned_to_id == user.pk,
    }


TABS = (
    ("all", gettext_lazy("Open")),
    ("mine", gettext_lazy("Mine")),
    ("nobody", gettext_lazy("Nobody's")),
    ("snoozed", gettext_lazy("Put off")),
    ("settled", gettext_lazy("Settled")),
)


class WorkPage(ShellPage):
    """The whole queue: all, mine, nobody's, put off or settled."""

    scope = "work:read"
    title = gettext_lazy("My work")
    template_name = "rh/work.html"
    most = 200

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        rows = Attention.objects.for_principal(self.principal)
        show = request.GET.get("show", "all")
        if show == "snoozed":
            rows = rows.filter(resolved_at__isnull=True, snoozed_until__gt=now)
        elif show == "settled":
            rows = rows.filter(resolved_at__isnull=False)
        else:
            rows = rows.open(at=now)
        if show == "mine":
            rows = rows.filter(assigned_to=request.user.pk)
        elif show == "nobody":
            rows = rows.filter(assigned_to=None)
        kind = request.GET.get("kind", "")
        if kind:
            rows = rows.filter(kind=kind)
        found = queries.by_weight(rows, now=now).select_related("assigned_to")
        if show == "settled":
            found = found.order_by("-resolved_at")
        listed = list(found[: self.most + 1])
        return self.render(
            work=[dressed(row, request.user) for row in listed[: self.most]],
            more=len(listed) > self.most,
            show=show,
            tabs=TABS,
            kind=kind,
            kinds=[(name, label) for name, (label, _tone) in KINDS.items()],
        )


class RowDialog(Dialog):
    """A dialog about one open row that the person sees."""

    scope = "work:read"

    @property
    def rows(self) -> AttentionQuerySet:
        return Attention.objects.for_principal(self.principal).filter(pk=self.kwargs["pk"], resolved_at__isnull=True)

    @cached_property
    def row(self) -> Attention:
        return or_404(self.rows.select_related("assigned_to").first())

    def get_explanation(self) -> str:
        return self.row.subject

    def get_back_url(self) -> str:
        """The list that the dialog was opened over, as it was narrowed; the home page without one."""
        before = page_before(self.request)
        if before.path != reverse("work"):
            return reverse("home")
        return before.path + (f"?{before.query}" if before.query else "")


class SnoozeForm(HouseForm):
    until = forms.TypedChoiceField(
        label=gettext_lazy("Show it again"),
        coerce=int,
        choices=[
            ("1", gettext_lazy("in an hour")),
            ("4", gettext_lazy("in four hours")),
            ("24", gettext_lazy("tomorrow")),
            ("168", gettext_lazy("in a week")),
            ("0", gettext_lazy("now")),
        ],
    )


class Snooze(RowDialog):
    """Put one row off; it comes back by itself, or at once when that is asked."""

    form_class = SnoozeForm
    submit_label = gettext_lazy("Put off")
    title = gettext_lazy("Put this off")

    def get_initial(self) -> dict[str, Any]:
        is_off = self.row.snoozed_until is not None and self.row.snoozed_until > timezone.now()
        return {"until": "0" if is_off else "1"}

    def act(self, form: SnoozeForm) -> str:
        hours = form.cleaned_data["until"]
        snooze_attention(self.rows, until=timezone.now() + timedelta(hours=hours) if hours else None)
        return _("Put off. It comes back by itself.") if hours else _("It is back on the list.")


class AssignForm(HouseForm):
    """To whom: everybody who could settle the row, oneself first."""

    person = forms.ChoiceField(label=gettext_lazy("Who looks after it"), required=False)

    def __init__(self, *args: Any, people: list[User], user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in people}
        choice: Any = self.fields["person"]
        choice.choices = [
            *((key, _("me") if person == user else str(person)) for key, person in self.people.items()),
            ("", _("nobody")),
        ]
        choice.rh_quiet = True

    def person_chosen(self) -> User | None:
        return self.people.get(self.cleaned_data["person"])


class Assign(RowDialog):
    """Say who looks after a row: me with one more key, somebody else, or nobody."""

    form_class = AssignForm
    submit_label = gettext_lazy("Assign")
    title = gettext_lazy("Assign this")

    def get_initial(self) -> dict[str, Any]:
        return {"person": str(self.request.user.pk)}

    def get_form_kwargs(self) -> dict[str, Any]:
        user: Any = self.request.user
        return {"people": queries.who_can_settle(self.row, first=user), "user": user}

    def act(self, form: AssignForm) -> str:
        person = form.person_chosen()
        assign_attention(self.rows, to=person)
        return _("%(name)s looks after it.") % {"name": person} if person else _("Nobody looks after it now.")
