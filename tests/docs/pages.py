"""The pages of the documentation as tests see them: their code blocks, commands and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = "README.md"
SITE = {
    **{path.relative_to(ROOT / "docs").as_posix(): path for path in sorted((ROOT / "docs").rglob("*.md"))},
    "changelog.md": ROOT / "CHANGELOG.md",
    "contributing.md": ROOT / "CONTRIBUTING.md",
}
PAGES = {**SITE, README: ROOT / README}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LATEST = re.compile(r'"?\$\(ls -d ([^\s)]+) \| tail -(\d+)\)"?')


@dataclass(frozen=True)
class Command:
    """A command as its page has it: `text`, and its `words` as the shell would hand them over."""

    text: str
    words: tuple[str, ...]

    @property
    def launcher(self) -> str | None:
        """The name of the launcher that is called, None for other programs."""
        return self.words[0].removeprefix("./scripts/") if self.words[0].startswith("./scripts/") else None


def blocks(page: str, language: str) -> list[str]:
    return [text for name, text in _BLOCK.findall(PAGES[page].read_text(encoding="utf-8")) if name == language]


def commands(page: str) -> list[Command]:
    """The commands of the page's bash blocks in their order; `$(ls -d FOLDER/* | tail -N)` becomes N times FOLDER/*."""
    found = []
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            text = _LATEST.sub(lambda match: " ".join([match[1]] * int(match[2])), line)
            if "$(" in text:
                raise ValueError(f"{page}: only $(ls -d FOLDER/* | tail -N) is understood: {line}")
            words = tuple(shlex.split(text, comments=True))
            if words:
                found.append(Command(line.strip(), words))
    return found


def links(page: str) -> Iterator[str]:
    """The targets of the page's links and pictures that lie within the project."""
    text = _BLOCK.sub("", PAGES[page].read_text(encoding="utf-8"))
    yield from (target for target in _LINK.findall(text) if "://" not in target)


def anchors(text: str) -> set[str]:
    """The names under which the headings of a page can be linked to."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
