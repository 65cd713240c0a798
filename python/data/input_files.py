"""Which files lie below some folders: links are followed, each real file is taken once, and what cannot be read is told."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from python.general_purpose_libs import DataError, log

Identity = tuple[int, int]  # device and inode
_SUFFIX_OF_A_FILE = re.compile(r"\.[A-Za-z]\w*$")


@dataclass(frozen=True)
class Folders:
    """Files in `folders` and below.

    `pattern`, in which `{plane}` stands for the plane, selects those with images, which stay on disk when they are `streamed`.
    Every broken file is named in one DataError; with `skip_bad_files` they are left out and counted instead.
    """

    folders: Sequence[str | os.PathLike]
    pattern: str | None = None
    skip_bad_files: bool = False
    streamed: bool = False


@dataclass
class InputFiles:
    """Files of some folders, in the order of these and of their paths: `folder_of` has the folder that each was found below.

    `again` are further ways to a file or a folder, with the way by which it is taken. `problems` tell what cannot be read and is
    wanted, or may hold what is. `empty` are the folders in which nothing wanted has been seen.
    """

    folder_of: dict[Path, Path] = field(default_factory=dict)
    again: dict[Path, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.folder_of)

    @property
    def paths(self) -> list[Path]:
        return list(self.folder_of)

    def only(self, wanted: Callable[[Path], bool]) -> InputFiles:
        """The files of which `wanted` is so; a folder that has others alone is empty then."""
        kept = {path: folder for path, folder in self.folder_of.items() if wanted(path)}
        others = [path for path in self.folder_of if path not in kept]
        again = {name: path for name, path in self.again.items() if path not in others}
        lost = {self.folder_of[path] for path in others} - {*kept.values()}
        lost = {folder for folder in lost if not any(name.is_relative_to(folder) for name in again)}
        return InputFiles(kept, again, self.problems, [*self.empty, *sorted(lost)])

    def tell_of_repeated(self) -> None:
        """Say that some files or folders have more than one name, where they have."""
        if self.again:
            other, name = next(iter(self.again.items()))
            log.info("%d names lead to what is read by another, such as %s to %s", len(self.again), other, name)


def find_files(folders: Sequence[str | os.PathLike], wanted: Callable[[Path], bool]) -> InputFiles:
    """Search `folders` and all below them for files; `wanted` is asked about the path of each below its folder.

    A file that several names lead to is found once, by one without a link if there is one. Raises DataError, naming all, when
    folders are not there.
    """
    _require_folders([Path(folder) for folder in folders])
    found = InputFiles()
    files_seen: dict = {}
    for folder in map(Path, folders):
        _Search(folder, wanted, found, files_seen).run()
    return found


def refuse_or_skip(problems: Sequence[str], what: str, skip_bad_files: bool) -> None:
    """Raise one DataError that names all problems with `what`; with `skip_bad_files`, warn of each instead."""
    if problems and not skip_bad_files:
        raise DataError(
            "\n  ".join([f"{len(problems)} of {what} cannot be used:", *problems])
            + "\n  mend or remove them, or go on without them with --skip-bad-files"
        )
    for problem in problems:
        log.warning("skipped: %s", problem)


def _require_folders(folders: Sequence[Path]) -> None:
    wrong = []
    for folder in folders:
        try:
            if not stat.S_ISDIR(folder.stat().st_mode):
                wrong.append(f"{folder}: is a file; name the folder that holds the files")
        except FileNotFoundError:
            wrong.append(f"{folder}: no such data folder")
        except OSError as error:
            wrong.append(f"{folder}: cannot be reached ({error.strerror or error})")
    if wrong:
        raise DataError("\n".join(wrong))


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


class _Search:
    """The search of one folder, which adds to `found`; `files_seen` holds the files of all folders."""

    def __init__(
        self, top: Path, wanted: Callable[[Path], bool], found: InputFiles, files_seen: dict[Identity, Path]
    ) -> None:
        self.top, self.wanted, self.found, self.files_seen = top, wanted, found, files_seen
        self.folders_seen = {
            _identity(folder.stat()): folder for folder in top.resolve().parents
        }  # a link up is a loop
        self.links: list[Path] = []
        self.taken: list[Path] = []
        self.saw_wanted = False

    def run(self) -> None:
        self._visit(self.top)
        while self.links:  # when all that needs no link is known, so that it goes by its own name
            self._visit(self.links.pop(0))
        self.found.folder_of.update((path, self.top) for path in sorted(self.taken))
        if not self.saw_wanted:
            self.found.empty.append(self.top)

    def _visit(self, path: Path) -> None:
        waiting = [path]
        while waiting:
            path = waiting.pop()
            try:
                status = path.stat()
            except OSError as error:
                self._unreachable(path, error)
                continue
            identity = _identity(status)
            if not stat.S_ISDIR(status.st_mode):
                self._file(path, identity, stat.S_ISREG(status.st_mode))
            elif identity in self.folders_seen:
                self.found.again[path] = self.folders_seen[identity]
            else:
                self.folders_seen[identity] = path
                waiting += reversed(self._entries(path))  # the first is taken next

    def _entries(self, folder: Path) -> list[Path]:
        """What has to be visited of a folder; its links wait."""
        try:
            with os.scandir(folder) as entries:
                names = sorted(
                    (entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False)) for entry in entries
                )
        except OSError as error:
            self.found.problems.append(f"{folder}: cannot be searched ({error.strerror or error})")
            return []
        self.links += [folder / name for name, is_link, _ in names if is_link]
        return [
            folder / name for name, is_link, is_dir in names if not is_link and (is_dir or self._wants(folder / name))
        ]

    def _wants(self, path: Path) -> bool:
        return self.wanted(path.relative_to(self.top))

    def _file(self, path: Path, identity: Identity, regular: bool) -> None:
        if not self._wants(path):
            return
        self.saw_wanted = True
        if not regular:
            self.found.problems.append(f"{path}: is neither a file nor a folder")
        elif identity in self.files_seen:
            if self.files_seen[identity] != path:
                self.found.again[path] = self.files_seen[identity]
        else:
            self.files_seen[identity] = path
            self.taken.append(path)

    def _unreachable(self, path: Path, error: OSError) -> None:
        """Note what cannot be reached and is wanted, or is a link that by its name may lead to a folder."""
        wanted = self._wants(path)
        self.saw_wanted |= wanted
        if not wanted and _SUFFIX_OF_A_FILE.search(path.name):
            return
        link = f"is a link to {path.readlink()}, which " if path.is_symlink() else ""
        self.found.problems.append(f"{path}: {link}cannot be reached ({error.strerror or error})")
