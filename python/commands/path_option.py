"""Folders and files as values of options."""

from __future__ import annotations

import argparse


def named_path(text: str) -> str:
    """`text`, the name of a folder or file; an empty one, as an unset variable of the shell gives, would be the caller's."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; is a variable of the shell not set?")
    return text
