import pytest

from tests.training.search.closed_form import without_networks


@pytest.fixture
def quick(monkeypatch):
    without_networks(monkeypatch.setattr)
