"""What a process of this project's Python must be told to run the code of this project, wherever it is started."""

from __future__ import annotations

import os

from python.general_purpose_libs import PROJECT


def own_code() -> dict[str, str]:
    """The environment variables with which a process that this one starts finds this project first.

    Nothing in the folder that it is started in can take the place of a module, nor can another copy of the project that
    PYTHONPATH names. What else stands in PYTHONPATH is kept, unless it is relative to a folder.
    """
    given = filter(os.path.isabs, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(dict.fromkeys([str(PROJECT), *given]))}
