"""Which things can be imported, which profiles there are, and where what comes out of an import is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from customers.imports import TARGETS as CUSTOMERS
from inventory.imports import TARGETS as INVENTORY
from orders.imports import TARGETS as ORDERS
from purchasing.imports import TARGETS as PURCHASING
from retailhub.accounting.imports import TARGETS as ACCOUNTING
from retailhub.core.access import Principal
from retailhub.core.imports.complaints import BadProfile
from retailhub.core.imports.profiles import Profile, load_profile
from retailhub.core.imports.runner import Import
from retailhub.core.imports.targets import Target

TARGETS: Mapping[str, Target] = {**ACCOUNTING, **INVENTORY, **CUSTOMERS, **ORDERS, **PURCHASING}
PROFILES = Path(__file__).resolve().parent / "profiles"


def profile_names() -> list[str]:
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def find_profile(name: str) -> Profile:
    """Answer the project's profile of that name. Raises BadProfile naming those there are."""
    if name not in profile_names():
        raise BadProfile(f"There is no profile {name}; there are {', '.join(profile_names())}.")
    return load_profile(PROFILES / f"{name}.toml")


def output_folder() -> Path:
    """Answer where each run has a folder with its refused.csv and its report."""
    return Path(settings.DATA_DIR) / "imports"


def folder_import(folder: Path, profile: Profile, principal: Principal) -> Import:
    return Import(
        profile=profile,
        folder=folder,
        targets=TARGETS,
        principal=principal,
        source=str(folder),
        books_currency=settings.HOME_CURRENCY,
    )
