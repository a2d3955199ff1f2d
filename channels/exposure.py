"""How much of our stock a channel may show: one formula, told term by term."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_UNITS = 1_000_000_000  # as many as any channel, and our own columns, can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the figure of a listing is made of; `offered` is what its pool can give now, by place, less safety."""

    live: bool
    offered: int
    share_percent: int = 100
    buffer: int = 0
    end_when: int = 0
    max_listed: int | None = None
    fixed_quantity: int | None = None
    pack: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One term of the figure: its name, a sentence, and what is left after it."""

    name: str
    text: str
    result: int


@dataclass(slots=True)
class Figure:
    """What a channel is to show for a listing, and how it came about."""

    quantity: int
    steps: list[Step] = field(default_factory=list)


def published(terms: Terms) -> Figure:
    """Answer what the channel is to show, in units as it sells them, by `domain.md` 1."""
    if not terms.live:
        return Figure(0, [Step("state", "The listing is not live", 0)])
    if terms.fixed_quantity is not None:
        return Figure(terms.fixed_quantity, [Step("fixed", "A fixed quantity is set", terms.fixed_quantity)])
    x = terms.offered
    steps = [Step("offered", "Available in the channel's places, less what they keep back", x)]
    if terms.share_percent != 100:
        x = x * terms.share_percent // 100
        steps.append(Step("share", f"{terms.share_percent} % of it is shared with this channel", x))
    if terms.buffer:
        x -= terms.buffer
        steps.append(Step("buffer", f"{terms.buffer} are kept as a buffer", x))
    if terms.end_when and x <= terms.end_when:
        x = 0
        steps.append(Step("end_when", f"Nothing is shown once {terms.end_when} or fewer are left", x))
    if terms.max_listed is not None and x > terms.max_listed:
        x = terms.max_listed
        steps.append(Step("cap", f"Never more than {terms.max_listed} are shown", x))
    if terms.pack > 1:
        x = max(0, x) // terms.pack
        steps.append(Step("pack", f"Sold in packs of {terms.pack}", x))
    x = min(max(0, x), MOST_UNITS)
    steps.append(Step("result", "Shown by the channel", x))
    return Figure(x, steps)
