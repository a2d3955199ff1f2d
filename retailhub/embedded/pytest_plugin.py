"""Gives the test suite its servers; named with `-p`, because pytest-django reads settings before any conftest.py."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from retailhub.embedded.testing import start_test_services


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start the servers around the hook in which pytest-django reads the settings; xdist's workers inherit them."""
    asks_only = early_config.known_args_namespace.help or early_config.known_args_namespace.version
    if not asks_only:
        start_test_services(with_redis=True).put_into(os.environ)
    yield
