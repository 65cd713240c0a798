"""The release has one number: that of python/version.py."""

import re
from pathlib import Path

from python.version import VERSION

ROOT = Path(__file__).resolve().parents[1]


def test_the_newest_changes_are_those_of_this_release():
    newest = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1].split()[0] == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
