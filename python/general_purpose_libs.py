"""What every part of the project stands on: errors with exit codes, JSON with comments, safe writing, progress."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import logging
import os
import re
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

PROJECT = Path(__file__).resolve().parents[1]  # the folder that all of it is in
EXIT_INTERRUPTED = 130
SECONDS_BETWEEN_PROGRESS_LINES = 20

log = logging.getLogger("pointing")
T = TypeVar("T")


# ---------------------------------------------------------------------------- errors
class PointingError(Exception):
    """A mistake or failure that the user can act on. The text says what, where and what to do; no traceback is shown."""

    exit_code = 1


class ConfigError(PointingError):
    """The configuration or the command line is wrong."""

    exit_code = 2


class DataError(PointingError):
    """Input data are missing, damaged or not what they claim to be."""

    exit_code = 3


class TrainingError(PointingError):
    """The training cannot go on: the loss is not finite, a requested GPU is not there, ..."""

    exit_code = 4


class OutputError(PointingError):
    """The output cannot be written: disk full, folder read-only, ..."""

    exit_code = 5


class NotNowError(PointingError):
    """What is asked for cannot be done here and now, and may be elsewhere or later: a batch job that fails so is tried again."""

    exit_code = 1


class StopRequested(KeyboardInterrupt):
    """The batch system asked the process to stop; what was checkpointed can be resumed.

    No Exception, like the keyboard's: frameworks catch those and call them something else.
    """

    exit_code = 85


class Terminated(StopRequested):
    """SIGTERM stopped a process that ends with 85 when its time is over, after which batch systems start it again."""

    exit_code = 128 + signal.SIGTERM


class _Terminated(KeyboardInterrupt):
    """SIGTERM has come, and there is nothing to go on with."""


@contextlib.contextmanager
def sigterm_heard(request: BaseException | None = None) -> Iterator[None]:
    """Let SIGTERM raise `request` inside; without one, it ends the process as it always does, once it was said.

    A second SIGTERM ends the process at once.
    """

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise request or _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except _Terminated:
        print("asked to stop (SIGTERM)", file=sys.stderr)
        sys.stdout.flush()
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def reason_of(error: BaseException) -> str:
    """What an error of some library says, on one line and not too long."""
    return ascii(" ".join(str(error).split()))[1:-1][:200] or type(error).__name__


_ELSEWHERE = "choose another output folder with -o"
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), f"free some space or {_ELSEWHERE}"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose an output folder that you may write to with -o"),
    errno.EFBIG: f"files may not become so large here (ulimit -f); raise the limit or {_ELSEWHERE}",
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), f"what stands there is no folder; {_ELSEWHERE}"),
    errno.EISDIR: "a folder stands there; choose another name",
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.ELOOP: "links that lead in a circle; mend them or choose another name",
}
_RIGHTS = {errno.EACCES, errno.EPERM}  # to write, or to read


@contextlib.contextmanager
def writing_to(path: str | os.PathLike) -> Iterator[None]:
    """Turn an operating-system error while writing `path` into an OutputError that names it, with the remedy for it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_in_words(error)}") from error


def _in_words(error: OSError) -> str:
    return f"{error.strerror or error}; {_REMEDIES.get(error.errno or 0, _ELSEWHERE)}"


def run_command(main: Callable[[], int | None], stopped: StopRequested | None = None) -> int:
    """Run a command line's `main` and return its exit code; a PointingError becomes one line on standard error.

    `stopped` is what SIGTERM raises where `main` does not hear it itself; without it SIGTERM ends the process.
    """
    try:
        with sigterm_heard(stopped):
            return main() or 0
    except PointingError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except StopRequested as request:
        print(request, file=sys.stderr)
        return request.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name is None or (PROJECT / error.name.split(".")[0]).is_dir():  # of its own
            raise
        print(
            f"error: this Python ({sys.executable}) lacks the package {error.name}; "
            "install requirements.txt into it, or unset ML_POINTING_ENV to use the project's own environment",
            file=sys.stderr,
        )
        return ConfigError.exit_code
    except BrokenPipeError:  # `... | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        where = f" {error.filename}" if error.filename else ""
        said = (
            f"read or write{where}: {error.strerror}" if error.errno in _RIGHTS else f"use{where}: {_in_words(error)}"
        )
        print(f"error: cannot {said}", file=sys.stderr)
        return OutputError.exit_code


# ---------------------------------------------------------------------------- JSON with comments
_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA_OR_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])')


def _blank(match: re.Match) -> str:
    """Keep strings, replace anything else by spaces so that line and column of an error stay true."""
    text = match.group()
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ConfigError(f'the key "{key}" stands twice in one section; keep one of them')
        result[key] = value
    return result


def _refuse_constant(name: str) -> float:
    raise ConfigError(f"{name} is not a JSON number; write a finite number or null")


_EXPECTED = {  # in plain words, what Python's own say shortly
    "Expecting value": "a value is expected",
    "Expecting ',' delimiter": "a comma or the end of the section is expected",
    "Expecting ':' delimiter": "a colon is expected after the key",
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected",
    "Extra data": "the end of the file is expected",
    "Unterminated string starting at": "the text that begins here lacks its closing quotes",
    "Invalid control character at": "a text must end on the line on which it begins",
}


def _found(rest: str) -> str:
    """What stands where something else was expected."""
    line = rest.lstrip().split("\n", 1)[0].rstrip()
    return f"where the file has {line[:30]}" if line else "where the file ends"


def parse_json(text: str, name: str = "JSON") -> Any:
    """Parse JSON that may hold `//` and `/* */` comments and trailing commas.

    Raises ConfigError with line and column on a syntax error, on a key given twice and on NaN or Infinity.
    """
    bare = _TRAILING_COMMA_OR_STRING.sub(_blank, _COMMENT_OR_STRING.sub(_blank, text))
    try:
        return json.loads(bare, object_pairs_hook=_refuse_duplicate_keys, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        said = f"not valid JSON: {_EXPECTED.get(error.msg, error.msg)}, {_found(bare[error.pos :])}"
        raise ConfigError(f"{name}, line {error.lineno}, column {error.colno}: {said}") from error
    except ValueError as error:
        raise ConfigError(f"{name}: a number has too many digits") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply") from error
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file (see `parse_json`); ConfigError when it is missing, unreadable or malformed."""
    path = Path(path)
    try:
        with open(path, "rb") as file, io.TextIOWrapper(file, _encoding(file.peek(2))) as text:
            return parse_json(text.read(), str(path))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: is a folder, a JSON file is needed") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: is not text in UTF-8, nor in UTF-16 with a byte-order mark (byte {error.start})"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error


def _encoding(beginning: bytes) -> str:
    """UTF-8, unless a byte-order mark says UTF-16, as some editors write it."""
    return "utf-16" if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


# ---------------------------------------------------------------------------- writing
_NEVER_AGAIN: set[Path] = set()


def never_again(folder: str | os.PathLike) -> None:
    """From now on nothing that this process writes, in whichever thread, makes `folder` again where it has vanished."""
    _NEVER_AGAIN.add(Path(folder).absolute())


def make_folder(folder: str | os.PathLike) -> None:
    """Make a folder and those above it, where they are missing and may be made (`never_again`). Raises OSError."""
    folder = Path(folder).absolute()
    if folder in _NEVER_AGAIN:
        folder.stat()
    elif not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes `path` on success and vanishes on failure.

    The temporary name keeps the suffix, since writers such as Keras and Matplotlib choose the format by it.
    """
    path = Path(path)
    with writing_to(path):
        make_folder(path.parent)
        temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the umask
    try:
        with writing_to(path):
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: str | os.PathLike) -> Iterator[Path]:
    """Yield a new folder that takes the place of `folder`, and of what lies there, on success and vanishes on failure."""
    folder = Path(folder)
    with writing_to(folder):
        make_folder(folder.parent)
        temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        temporary.mkdir()
    try:
        yield temporary
        with writing_to(folder):
            shutil.rmtree(folder, ignore_errors=True)
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write strict JSON (no NaN), two spaces a level, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


# ---------------------------------------------------------------------------- machine, clock and log
def utc_now() -> str:
    """The moment in UTC, to the second, as files of runs tell it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def start_logging(verbose: bool = False, logfile: str | os.PathLike | None = None) -> None:
    """Log to standard error, and to `logfile` with time stamps when given; called again it starts anew."""
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.setLevel(logging.DEBUG)
    log.propagate = False
    logging.raiseExceptions = False  # a full disk is reported once, by the run itself, not by each line of its log
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.DEBUG if verbose else logging.INFO)
    screen.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(screen)
    if logfile is not None:
        with writing_to(logfile):
            file = logging.FileHandler(logfile, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(file)


class Progress:
    """Progress of long work: a bar on a terminal, elsewhere a plain line in the log now and then.

    Call it with what is done and how much there is; use it as a context, so that the bar is taken away at the end.
    """

    def __init__(self, title: str, unit: str) -> None:
        self.title, self.unit = title, unit
        self.bar: Any = None
        self.spoke = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(desc=self.title, unit=f" {self.unit}", leave=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, total: int) -> None:
        if self.bar is not None:
            self.bar.total = total
            self.bar.update(done - self.bar.n)
        elif time.monotonic() - self.spoke > SECONDS_BETWEEN_PROGRESS_LINES:
            self.spoke = time.monotonic()
            log.info("%s: %d of %d %s", self.title, done, total, self.unit)


def with_progress(items: Sequence[T], title: str, unit: str) -> Iterable[T]:
    """Iterate over `items` and show how far it is."""
    with Progress(title, unit) as progress:
        for done, item in enumerate(items, 1):
            yield item
            progress(done, len(items))
