"""The packages of this Python as one archive, which a node unpacks beside a Python of the same version."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import tarfile
from pathlib import Path

from python.general_purpose_libs import ConfigError, atomic_path, log

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"  # wheels are for one minor version
SITE_PACKAGES = "site-packages"


def require_packable() -> None:
    """Raise ConfigError where there is more, or less, to this Python's packages than one folder."""
    shared = sys.prefix == sys.base_prefix or "include-system-site-packages = true" in _settings()
    if shared:
        raise ConfigError(
            f'batch_job.environment "packed": {sys.executable} is not of a virtual environment with all packages in it; unset '
            "ML_POINTING_ENV to use the project's own, or name an lcg_view or a container_image"
        )


def archive() -> Path:
    """Where the archive of the packages as they are now is kept: in their environment, for all jobs."""
    installed = sorted(path.name for path in _packages().glob("*.dist-info"))
    digest = hashlib.sha256("\n".join(installed).encode()).hexdigest()
    return Path(sys.prefix) / f"packed-{digest[:12]}.tar.gz"


def pack_environment() -> None:
    """Write the archive, unless it is there. OutputError: it cannot be written."""
    path = archive()
    if path.exists():
        return
    log.info("packing the packages of %s (once, a minute or two)", sys.prefix)
    with atomic_path(path) as file, tarfile.open(file, "w:gz", compresslevel=1) as packed:
        packed.add(_packages(), SITE_PACKAGES)
    log.info("%s: %.1f GB", path, path.stat().st_size / 1e9)


def _packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _settings() -> str:
    try:
        return Path(sys.prefix, "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""
