"""What every page of our own shares: who may open it, the shell around it, and dialogs that make one service call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import View
from django.views.generic.base import ContextMixin

from retailhub.core.access import SCOPES, Principal, principal_of_user
from retailhub.core.errors import DomainError


def principal_of(request: HttpRequest) -> Principal:
    """Answer what the person behind a request may do."""
    return principal_of_user(request.user)


PLACE_COOKIE = "rh_place"
EVERY_PLACE = "*"


def place_of(request: HttpRequest) -> str:
    """Answer the code of the place that pages start with, nothing for every place.

    A device remembers what it was set to, so that a tablet "is" one shop whoever holds it; without that it is the
    place the person usually works at. A place that the person may not see does not count.
    """
    user: Any = request.user
    codes = principal_of(request).places("stock:read")
    for place in (request.COOKIES.get(PLACE_COOKIE, ""), getattr(user, "home_location", "")):
        if place == EVERY_PLACE:
            return ""
        if place and (codes is None or place in codes):
            return str(place)
    return ""


def page_before(request: HttpRequest) -> SplitResult:
    """Answer the page of ours that a dialog was opened over, or the link was followed from; empty when unknown."""
    told = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    return told if told.netloc == request.get_host() else urlsplit("")


class NotAllowed(PermissionDenied):
    """A right is missing; the page names it and who grants it."""

    def __init__(self, scope: str, place: str = "") -> None:
        right = SCOPES.get(scope, scope)
        if place:
            said = _("You need the right “%(right)s” at %(place)s for this. An administrator can give it to you.")
        else:
            said = _("You need the right “%(right)s” for this. An administrator can give it to you.")
        super().__init__(said % {"right": right, "place": place})


class ShellPage(ContextMixin, View):
    """A page inside the shell. One object per request, so it may keep the request; admin objects may not."""

    scope: ClassVar[str] = ""
    title: ClassVar[Any] = ""
    template_name: ClassVar[str] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        try:
            if not admin.site.has_permission(request) or (self.scope and not self.principal.may(self.scope)):
                raise NotAllowed(self.scope or "work:read")
            return super().dispatch(request, *args, **kwargs)
        except NotAllowed as refusal:
            return self.turn_away(403, _("Not for you"), str(refusal))
        except Http404:
            return self.turn_away(404, _("Nothing here"), _("It does not exist, or you may not see it."))

    def sent_before(self) -> bool:
        """Whether this very form came in already: a double tap or a shaky line does its work once."""
        once = self.request.POST.get("once", "")[:64]
        return bool(once) and not cache.add(f"form:{self.request.user.pk}:{once}", 1, ONCE_SECONDS)

    def may_be_sent_again(self) -> None:
        cache.delete(f"form:{self.request.user.pk}:{self.request.POST.get('once', '')[:64]}")

    def turn_away(self, status: int, title: str, said: str) -> HttpResponse:
        """Say inside the shell why there is nothing to see."""
        template = "rh/turned_away_part.html" if self.is_partial else "rh/turned_away.html"
        shell = {} if self.is_partial else admin.site.each_context(self.request)
        return TemplateResponse(self.request, template, {**shell, "title": title, "said": said}, status=status)

    @property
    def principal(self) -> Principal:
        return principal_of(self.request)

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a piece of the page. Boosted and restored pages are whole ones."""
        headers = self.request.headers
        return headers.get("HX-Request") == "true" and headers.get("HX-History-Restore-Request") != "true"

    def get_title(self) -> str:
        return str(self.title)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # A piece of a page needs no shell, and building the shell's menu costs queries.
        shell = {} if self.is_partial else admin.site.each_context(self.request)
        return super().get_context_data(**shell, title=self.get_title(), principal=self.principal, **kwargs)

    def render(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        return TemplateResponse(
            self.request, template or self.template_name, self.get_context_data(**context), status=status
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render()


T = TypeVar("T")
WIDGET_CLASSES = "rh-input"
ONCE_SECONDS = 24 * 3600


class HouseForm(forms.Form):
    """A form that wears our classes, ties help and errors to its fields, and shows refusals where they belong."""

    template_name = "rh/form.html"
    aliases: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.CheckboxInput | forms.HiddenInput | forms.CheckboxSelectMultiple):
                continue
            classes = [WIDGET_CLASSES, field.widget.attrs.get("class", "")]
            if isinstance(field, forms.IntegerField | forms.DecimalField):
                field.widget.attrs.setdefault("inputmode", "numeric")
            field.widget.attrs["class"] = " ".join(filter(None, classes))

    def refuse(self, refusal: DomainError) -> None:
        """Show what a rule of the trade said: at the field it names, or on top."""
        homeless: list[str] = []
        for offence in refusal.errors:
            field = self.field_of(offence.pointer)
            if field:
                self.add_error(field, offence.detail)
            else:
                homeless.append(offence.detail)
        if homeless or not refusal.errors:
            self.add_error(None, _joined([refusal.detail, *(line for line in homeless if line != refusal.detail)]))

    def field_of(self, pointer: str) -> str:
        """Answer the field that a JSON pointer such as /lines/0/change means."""
        last = pointer.rstrip("/").rsplit("/", 1)[-1]
        last = self.aliases.get(last, last)
        return last if last in self.fields else ""


def _joined(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line]


class Dialog(ShellPage):
    """A form that makes one service call: in a dialog when htmx asks, as a page of its own otherwise.

    Opening it never writes. A refusal comes back in place with everything that was typed.
    """

    template_name = "rh/dialog_page.html"
    partial_name: ClassVar[str] = "rh/dialog.html"
    form_class: ClassVar[type[forms.Form]] = HouseForm
    submit_label: ClassVar[Any] = ""
    done_message: ClassVar[Any] = ""
    danger: ClassVar[bool] = False
    explanation: ClassVar[Any] = ""

    def get_initial(self) -> dict[str, Any]:
        return {}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {}

    def get_form(self, data: Any = None) -> Any:
        return self.form_class(data, initial=self.get_initial(), **self.get_form_kwargs())

    def get_back_url(self) -> str:
        return "/"

    def get_explanation(self) -> str:
        return str(self.explanation)

    def act(self, form: Any) -> str | None:
        """Make the one service call. May answer a sentence that says what happened."""
        raise NotImplementedError

    def show(self, form: Any, *, status: int = 200) -> HttpResponse:
        template = self.partial_name if self.is_partial else self.template_name
        return self.render(
            template,
            status=status,
            form=form,
            once=uuid4().hex,
            submit_label=self.submit_label or _("Save"),
            danger=self.danger,
            explanation=self.get_explanation(),
            back_url=self.get_back_url(),
            action_url=self.request.get_full_path(),
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        if self.sent_before():
            messages.info(request, _("This was saved already."))
            return self.leave()
        try:
            said = self.act(form)
        except DomainError as refusal:
            form.refuse(refusal)
            return self.show(form, status=409)
        except BaseException:
            self.may_be_sent_again()
            raise
        if said or self.done_message:
            messages.success(request, said or str(self.done_message))
        return self.leave()

    def leave(self) -> HttpResponse:
        """Go on to the page behind the dialog."""
        if self.is_partial:
            return HttpResponse(status=204, headers={"HX-Redirect": self.get_back_url()})
        return HttpResponseRedirect(self.get_back_url())


def whole(value: str | None, default: int | None = None, *, most: int = 2**62) -> int | None:
    """Read a whole number from an address; anything else counts as not given."""
    if value is None or not value.isascii() or not value.isdecimal() or int(value) > most:
        return default
    return int(value)


def or_404(found: T | None) -> T:
    if found is None:
        raise Http404
    return found
