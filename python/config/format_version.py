"""The format of configurations, those of users and those that runs keep, and the one way in which files of it are read.

A later release that changes what keys mean counts FORMAT_VERSION up and converts older content in `in_current_format`, through
which all content goes before anything else looks at it: files that users wrote, runs' folders, and checkpoints.
"""

from __future__ import annotations

import os
from typing import Any

from python.general_purpose_libs import ConfigError, read_json
from python.version import VERSION

FORMAT_VERSION = 1
KEY = "format_version"  # content without it is of format 1


def in_current_format(content: Any, source: str) -> Any:
    """The content of a configuration as this release writes it; what is no configuration at all is left for others to refuse.

    Raises ConfigError when it is of a later format; `source` names it then.
    """
    if not isinstance(content, dict):
        return content
    version = content.get(KEY, 1)
    if type(version) is int and version > FORMAT_VERSION:
        raise ConfigError(
            f"{source}: is of format {version} ({KEY}), and this release, {VERSION}, knows formats up to {FORMAT_VERSION}; use "
            "the release that it was written for, or a later one"
        )
    return {KEY: FORMAT_VERSION, **content}


def read_configuration(path: str | os.PathLike) -> Any:
    """The content of a configuration file, a user's or a run's, in today's format. Raises ConfigError, as `read_json` too."""
    return in_current_format(read_json(path), str(path))
