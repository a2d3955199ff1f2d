"""How much an electronic invoice may ask of us, said before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps on one file and on the child process that reads it. What an attachment unpacks to counts as XML."""

    xml_bytes: int = 20 * MEBIBYTE
    pdf_bytes: int = 50 * MEBIBYTE
    elements: int = 1_000_000
    lines: int = 20_000
    attachments: int = 200
    memory: int = 512 * MEBIBYTE
    cpu_seconds: int = 10
    answer_bytes: int = 128 * MEBIBYTE

    @property
    def most_bytes(self) -> int:
        return max(self.xml_bytes, self.pdf_bytes)


USUAL = Limits()
