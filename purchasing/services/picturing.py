"""Photos that show what was wrong with a delivery: pictures only, of a bounded size."""

from __future__ import annotations

from typing import IO

from django.core.files.base import ContentFile

from purchasing.models import Receipt, ReceiptPhoto
from purchasing.services.standing import note_event
from retailhub.core.errors import DomainError, NotFound
from retailhub.core.transactions import retried

LARGEST = 8 * 1024 * 1024
MOST = 50


class NotAPicture(DomainError):
    """Only JPEG, PNG and WebP pictures are kept."""

    code = "not_a_picture"
    status = 422


class TooLarge(DomainError):
    """A picture has 8 MB at most."""

    code = "too_large"
    status = 422


class TooMany(DomainError):
    """Fifty pictures of one delivery are enough."""

    code = "too_many_pictures"


def kind_of(beginning: bytes) -> tuple[str, str] | None:
    """Answer (suffix, media type) by what the file is, whatever it is called."""
    if beginning.startswith(b"\xff\xd8\xff"):
        return "jpg", "image/jpeg"
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", "image/png"
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "webp", "image/webp"
    return None


@retried()
def add_photo(*, receipt_id: int, file: IO[bytes], actor: str, line: int | None = None) -> ReceiptPhoto:
    """Keep a picture with the receipt, named by us. Raises NotAPicture and TooLarge."""
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TooLarge
    kind = kind_of(content[:16])
    if kind is None:
        raise NotAPicture
    receipt = Receipt.objects.select_for_update(no_key=True).filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound
    if receipt.photos.count() >= MOST:
        raise TooMany
    photo = ReceiptPhoto(receipt=receipt, line=line, actor=actor)
    photo.file.save(f"{receipt.number}.{kind[0]}", ContentFile(content), save=True)
    note_event(receipt.reference, "photo", "A photo was added", actor=actor)
    return photo
