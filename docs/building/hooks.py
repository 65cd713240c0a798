"""What MkDocs asks for while it builds: pages that are made, and words explained where the pointer rests on them."""

from __future__ import annotations

import re
from typing import Any

from mkdocs.structure.files import File, Files

from docs.building.generated import ROOT, generated_pages, measured_pictures

ABBREVIATION = re.compile(r"^\| ([A-Z]{2,}) \| (.+?) \|$", re.MULTILINE)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    for page, make in generated_pages().items():
        files.append(File.generated(config, page, content=make()))
    for place, path in measured_pictures().items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Explain the abbreviations of words.md wherever they stand, except there and in pages made from the code."""
    if page.file.src_uri == "words.md" or page.file.src_uri.startswith("reference/"):
        return markdown
    words = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    return markdown + "\n\n" + "\n".join(f"*[{word}]: {meaning}" for word, meaning in ABBREVIATION.findall(words))
