"""Dialogs of record lists: keep the list as it is, let a kept one go, choose columns."""

from __future__ import annotations

import re
from functools import cached_property, partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import IntegrityError
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retailhub.core.access import Role
from retailhub.core.pages import Dialog, HouseForm, or_404
from retailhub.home.models import SavedView
from retailhub.home.saved_views import Shape, columns_of, list_address, save_view

LONGEST = 1500
SORT = re.compile(r"[-.\d]{0,60}")


class ListDialog(Dialog):
    """A dialog about a list that the person may open, in the shape its address had."""

    scope = "work:read"

    @cached_property
    def model_admin(self) -> Any:
        for model, model_admin in admin.site._registry.items():
            if model._meta.label_lower == self.kwargs["model"] and model_admin.has_view_permission(self.request):
                return model_admin
        raise Http404

    @cached_property
    def label(self) -> str:
        return str(self.model_admin.opts.label_lower)

    @cached_property
    def columns(self) -> list[tuple[str, str]]:
        return columns_of(self.model_admin, self.request)

    @cached_property
    def shape(self) -> Shape:
        """The shape of the list, without columns and sorting that it cannot have."""
        asked = self.request.GET.get("of", "")
        if len(asked) > LONGEST:
            raise Http404
        told = Shape.of(QueryDict(asked))
        known = {name for name, _label in self.columns}
        sort = told.sort if SORT.fullmatch(told.sort) else ""
        return Shape(told.query, sort, tuple(name for name in told.columns if name in known))

    def get_back_url(self) -> str:
        asked = self.shape.address()
        return f"{list_address(self.label)}?{asked or 'view=all'}"


class SaveForm(HouseForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=40, widget=forms.TextInput(attrs={"autofocus": True}))
    role = forms.ChoiceField(label=gettext_lazy("Who sees it"), required=False)
    is_default = forms.BooleanField(label=gettext_lazy("The list opens with it"), required=False)

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if may_share:
            choice: Any = self.fields["role"]
            choice.choices = [("", _("only me")), *((role.value, role.label) for role in Role)]
            choice.rh_quiet = True
        else:
            del self.fields["role"]


class SaveView(ListDialog):
    """Keep the list as it is now; a name that is there already gets the new shape."""

    form_class = SaveForm
    title = gettext_lazy("Save this view")
    submit_label = gettext_lazy("Save")
    explanation = gettext_lazy("It becomes a tab above the list. A name you have already is given this new content.")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"may_share": self.principal.may("system:write")}

    def act(self, form: SaveForm) -> str:
        data = form.cleaned_data
        role = data.get("role", "")
        user: Any = None if role else self.request.user
        keep = partial(
            save_view,
            user=user,
            role=role,
            model=self.label,
            name=data["name"],
            shape=self.shape,
            is_default=data["is_default"],
        )
        try:
            keep()
        except IntegrityError:  # its twin came first: now it is there to be given this content
            keep()
        return _("Saved as “%(name)s”.") % {"name": data["name"]}


class RemoveView(Dialog):
    """Let a view go: one's own; a role's takes the right to manage people."""

    scope = "work:read"
    title = gettext_lazy("Remove this view")
    submit_label = gettext_lazy("Remove")
    danger = True

    @cached_property
    def view(self) -> SavedView:
        user: Any = self.request.user
        mine = SavedView.objects.filter(user=user)
        rows = mine | SavedView.objects.filter(user=None) if self.principal.may("system:write") else mine
        return or_404(rows.filter(pk=self.kwargs["pk"]).first())

    def get_explanation(self) -> str:
        said = _("“%(name)s” is no longer a tab above the list. No record changes.") % {"name": self.view.name}
        if self.view.role:
            said += " " + _("Everybody in this role loses it: %(role)s.") % {"role": self.view.get_role_display()}
        return said

    def get_back_url(self) -> str:
        return f"{list_address(self.view.model)}?view=all"

    def act(self, form: Any) -> str:
        name = self.view.name
        self.view.delete()
        return _("“%(name)s” is removed.") % {"name": name}


class ColumnsForm(HouseForm):
    columns = forms.MultipleChoiceField(label=gettext_lazy("Columns"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, columns: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["columns"]
        choice.choices = columns


class ChooseColumns(ListDialog):
    """Show some columns of the list and not the others. The first one leads to the record and stays."""

    form_class = ColumnsForm
    title = gettext_lazy("Columns")
    submit_label = gettext_lazy("Show these")
    explanation = gettext_lazy("The first column always stays. Save the view to keep the choice.")
    chosen: tuple[str, ...] = ()
    everything = False

    def get_initial(self) -> dict[str, Any]:
        return {"columns": list(self.shape.columns) or [name for name, _label in self.columns]}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"columns": self.columns}

    def get_back_url(self) -> str:
        # Sorting is by the number of a column: with other columns it would mean another one.
        shape = Shape(self.shape.query, "", () if self.everything else self.chosen) if self.chosen else self.shape
        return f"{list_address(self.label)}?{shape.address() or 'view=all'}"

    def act(self, form: ColumnsForm) -> None:
        names = [name for name, _label in self.columns]
        wanted = set(form.cleaned_data["columns"]) | set(names[:1])
        self.chosen = tuple(name for name in names if name in wanted)
        if list(self.chosen) == names:
            self.everything = True
