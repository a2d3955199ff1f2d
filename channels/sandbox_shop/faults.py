"""The fault script: what shall go wrong, where, how often, by which dice."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from channels.sandbox_shop import reading
from channels.sandbox_shop.refusals import bad_value

CALL_KINDS = frozenset(
    {
        "429",
        "500",
        "500_after_commit",
        "timeout_before",
        "timeout_after_commit",
        "reset_before",
        "reset_after_commit",
        "half_json",
        "cut_body",
        "partial_failure",
        "slow",
    }
)
MESSAGE_KINDS = frozenset({"duplicate", "reorder", "delay", "drop", "forged"})
MESSAGE_PREFIX = "webhook."


@dataclass
class Rule:
    """One thing that goes wrong. `times` None: for ever; `skip` lets so many matching calls pass first."""

    operation: str
    kind: str
    times: int | None
    skip: int
    probability: float
    seconds: float
    copies: int
    every: int
    fired: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.fired >= self.times

    def told(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"spent": self.spent}


def read_rule(data: Mapping[str, Any]) -> Rule:
    kind = reading.text(data, "kind", most=40)
    if kind not in CALL_KINDS | MESSAGE_KINDS:
        raise bad_value("kind", f"Must be one of {', '.join(sorted(CALL_KINDS | MESSAGE_KINDS))}.")
    every_call = f"{MESSAGE_PREFIX}*" if kind in MESSAGE_KINDS else "*"
    times = data.get("times", 1)
    milliseconds = reading.seconds(data, "ms", default=0, most=600_000) / 1000
    return Rule(
        operation=reading.text(data, "operation", most=60, default=every_call),
        kind=kind,
        times=None if times is None else reading.whole(data, "times", least=1, most=1_000_000, default=1),
        skip=reading.whole(data, "skip", least=0, most=1_000_000, default=0),
        probability=reading.fraction(data, "probability", default=1),
        seconds=milliseconds or reading.seconds(data, "seconds", default=_usual_seconds(kind), most=600),
        copies=reading.whole(data, "n", least=1, most=20, default=1),
        every=reading.whole(data, "every", least=1, most=250, default=2),
    )


def _usual_seconds(kind: str) -> float:
    return {"timeout_before": 30.0, "timeout_after_commit": 30.0, "429": 1.0, "slow": 0.2, "delay": 0.5}.get(kind, 0.0)


class FaultScript:
    """The rules in force. The first one that matches and whose dice fall so is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._dice = random.Random(0)  # noqa: S311 - repeatable on purpose

    def load(self, rules: list[Rule], seed: int) -> None:
        with self._lock:
            self._rules = rules
            self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def next_for(self, operation: str) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                wanted = MESSAGE_KINDS if operation.startswith(MESSAGE_PREFIX) else CALL_KINDS
                if rule.kind not in wanted or rule.spent or not fnmatchcase(operation, rule.operation):
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.probability < 1 and self._dice.random() >= rule.probability:
                    continue
                rule.fired += 1
                return rule
        return None

    def told(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.told() for rule in self._rules]
