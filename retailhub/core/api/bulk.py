"""Bulk calls: up to 500 entries, one result each, in order; one bad entry does not stop the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from retailhub.core.api.once import JSON, call, call_of, respond, usable, written
from retailhub.core.api.rendering import to_json
from retailhub.core.api.serializers import StrictSerializer, Values, refuse
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.failures import CONTENT_TYPE, problem_of
from retailhub.core.services.answering_once import (
    Answer,
    Claim,
    KeyUnusable,
    claim,
    claim_all,
    in_one_transaction,
    release,
    save,
)

MOST_ENTRIES = 500
MULTI_STATUS = 207


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry: a status, and its body, or the problem that kept it from being done."""

    status: int
    document: Any
    is_problem: bool = False

    @classmethod
    def refused(cls, refusal: DomainError, index: int) -> Result:
        return cls(refusal.status, problem_of(refusal.moved(f"/entries/{index}")), True)

    @property
    def is_kept(self) -> bool:
        return 200 <= self.status < 300 or self.status == 409


Entries = dict[int, Values]
"""Entries by their place in the call."""


def answered_in_bulk(
    request: Request,
    *,
    body: type[StrictSerializer],
    work: Callable[[Entries], dict[int, Result]],
    required: bool = True,
) -> HttpResponse:
    """Do the work once for every entry that is well-formed and new, and answer 207.

    One Idempotency-Key covers the call; an entry that carries its own `idempotency_key` was perhaps answered in another
    call, and is answered the same here. `work` gets the entries that are left, by their place, and runs in one
    transaction with the saving of all answers.
    """
    whole = call_of(request, required=required)
    held = claim(whole) if whole else None
    if isinstance(held, Answer):
        return respond(held)
    claims: dict[int, Claim] = {}
    try:
        entries, results = _read(request.data, body)
        keys = {index: entry.pop("idempotency_key", None) for index, entry in entries.items()}
        claims, known = _claim_entries(request, {index: key for index, key in keys.items() if key})
        left = {index: entry for index, entry in entries.items() if index not in known}

        def work_and_save() -> tuple[Answer, dict[int, Result]]:
            done = work(left) if left else {}
            everything: dict[int, dict[str, Any]] = {i: _shown(result) for i, result in (results | done).items()}
            everything |= known
            answer = written(MULTI_STATUS, {"results": [everything[i] for i in sorted(everything)]})
            kept = [(claims[i], _answer(done[i])) for i in claims if done[i].is_kept]
            if held:
                kept.append((held, answer))
            if kept:
                save(kept)
            return answer, done

        answer, done = in_one_transaction(work_and_save)
    except BaseException:
        release([*claims.values(), *([held] if held else [])])
        raise
    if free := [claims[i] for i in claims if not done[i].is_kept]:
        release(free)
    return respond(answer)


def _read(data: Any, body: type[StrictSerializer]) -> tuple[Entries, dict[int, Result]]:
    """Answer the well-formed entries and the results of the others. Raises Invalid when it is no bulk call at all."""
    offences: list[Offence] = []
    if not isinstance(data, dict) or not isinstance(data.get("entries"), list):
        raise Invalid(errors=[Offence(pointer="/entries", code="required", detail="a list of entries is expected")])
    offences += [
        Offence(pointer=f"/{name}", code="unknown_field", detail="there is no such field here")
        for name in data
        if name != "entries"
    ]
    sent = data["entries"]
    if not 1 <= len(sent) <= MOST_ENTRIES:
        detail = f"between 1 and {MOST_ENTRIES} entries are expected"
        offences.append(Offence(pointer="/entries", code="length", detail=detail))
    refuse(offences)
    entries: Entries = {}
    results: dict[int, Result] = {}
    for index, entry in enumerate(sent):
        own_key = entry.get("idempotency_key") if isinstance(entry, dict) else None
        try:
            fields = {k: v for k, v in entry.items() if k != "idempotency_key"} if isinstance(entry, dict) else entry
            values = body.read(fields)
            if own_key is not None:
                values["idempotency_key"] = _own_key(own_key)
        except DomainError as refusal:
            results[index] = Result.refused(refusal, index)
        else:
            entries[index] = values
    return entries, results


def _own_key(sent: Any) -> str:
    if not isinstance(sent, str):
        raise KeyUnusable(
            errors=[Offence(pointer="/idempotency_key", code="idempotency_key_invalid", detail="a text is expected")]
        )
    return usable(sent)


def _claim_entries(request: Request, keys: dict[int, str]) -> tuple[dict[int, Claim], dict[int, dict[str, Any]]]:
    """Take the entries' own keys; answer the claims, and what is known already of the others."""
    if not keys:
        return {}, {}
    sent: list[Any] = request.data["entries"]  # type: ignore[call-overload]
    # A route of their own, so that an entry's key and a call's key never meet.
    calls = [call(request, key=key, content=sent[index], part=" entry") for index, key in keys.items()]
    claims: dict[int, Claim] = {}
    known: dict[int, dict[str, Any]] = {}
    for index, outcome in zip(keys, claim_all(calls), strict=True):
        if isinstance(outcome, Claim):
            claims[index] = outcome
        elif isinstance(outcome, Answer):
            member = "problem" if outcome.content_type == CONTENT_TYPE else "body"
            known[index] = {"status": outcome.status, member: orjson.Fragment(outcome.body), "replayed": True}
        else:
            known[index] = _shown(Result.refused(outcome, index))
    return claims, known


def _shown(result: Result) -> dict[str, Any]:
    return {"status": result.status, "problem" if result.is_problem else "body": result.document}


def _answer(result: Result) -> Answer:
    kind = CONTENT_TYPE if result.is_problem else JSON
    return Answer(status=result.status, body=to_json(result.document), content_type=kind)
