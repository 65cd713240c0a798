"""check_data.sh, from the command line: table, JSON, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from python.commands.check_data import main
from python.commands.make_images import main as make_images
from python.general_purpose_libs import run_command
from tests.ingest.root_files import real_file
from tests.quality.test_quality import old_file, sound_file, write

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def test_sound_data(tmp_path, capsys):
    assert run(write(tmp_path, *map(sound_file, "UVX"))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "plane U: 40 images"
    assert lines[1].split() == ["check", "result", "images", "of", "found"]
    assert "between planes" in lines
    assert lines[-1] == f"{sum('  ok  ' in line for line in lines)} checks ok, 0 warn, 0 fail"
    assert not any("->" in line for line in lines)


def test_a_failure_exits_3_and_says_what_to_do(tmp_path, capsys):
    content = sound_file()
    content.metadata["cluster_energy"][:4] = np.nan
    write(tmp_path, content)
    (tmp_path / "torn_planeX.npz").touch()
    assert run(tmp_path) == 3
    lines = capsys.readouterr().out.splitlines()
    files, energies = (
        next(i for i, line in enumerate(lines) if line.split()[:1] == [name]) for name in ("files", "energies")
    )
    assert lines[files].split()[1] == "fail"
    assert "torn_planeX.npz" in lines[files + 1]
    assert lines[energies].split()[1:4] == ["fail", "4", "40"]
    assert lines[energies + 1].strip().startswith("-> ")
    assert lines[-1].endswith("0 warn, 2 fail")


def test_warnings_exit_0(tmp_path, capsys):
    old_file(tmp_path / "a_planeX.npz")
    assert run(tmp_path) == 0
    assert '-> say "old_flips"' in capsys.readouterr().out


def test_planes_and_json(tmp_path, capsys):
    folder = write(tmp_path / "data", *map(sound_file, "UVX"))
    assert run(folder, "--planes", "X", "U", "--json", tmp_path / "out" / "quality.json") == 0
    assert "plane V" not in capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert result["images"] == {"U": 40, "X": 40}
    assert result["folders"] == [str(folder)]
    assert result["counts"]["ok"] == len(result["checks"])
    (check,) = [
        check for check in result["checks"] if check["name"] == "reconstructed energy" and check["plane"] == "X"
    ]
    assert check["values"]["correlation"] == pytest.approx(1)
    assert set(check) == {"name", "plane", "status", "images", "total", "finding", "remedy", "values"}


def test_folders_that_hold_nothing_exit_3(tmp_path, capsys):
    assert run(tmp_path / "gone") == 3
    assert "gone: no such data folder" in capsys.readouterr().err
    assert run(tmp_path) == 3
    assert "no image file" in capsys.readouterr().err


def test_usage_exits_2(tmp_path):
    for arguments in ([], [str(tmp_path), "--planes", "W"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_an_output_that_cannot_be_written_exits_5(tmp_path, capsys):
    write(tmp_path / "data", sound_file())
    (tmp_path / "file").touch()
    assert run(tmp_path / "data", "--json", tmp_path / "file" / "quality.json") == 5
    assert "quality.json" in capsys.readouterr().err


@pytest.mark.root_data
def test_images_of_the_real_files_are_sound(tmp_path, capsys):
    files = [str(real_file(kind)) for kind in ("es", "cc")]
    make_images(["-i", *files, "-o", str(tmp_path / "own"), "--volumes"])
    make_images(["-i", *files, "-o", str(tmp_path / "old"), "--legacy-layout", "--volumes"])
    capsys.readouterr()
    assert run(tmp_path / "own") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("0 warn, 0 fail")
    assert "volumes of plane V: 55 images" in lines
    assert any(line.startswith("points: ") and line.endswith(" clouds") for line in lines)
    volumes = next(line for line in lines[lines.index("volumes of plane X: 55 images") :] if "contents" in line)
    assert "208 channels x 1242 ticks" in volumes
    assert "55 events, 10 ES and 45 CC" in volumes
    assert run(tmp_path / "old", "--json", tmp_path / "old.json") == 0
    checks = json.loads((tmp_path / "old.json").read_text())["checks"]
    assert {check["name"] for check in checks if check["status"] == "warn"} == {"momentum and energy", "orientation"}


def test_help_needs_the_standard_library_only():
    done = subprocess.run(
        [sys.executable, "-S", "-m", "python.commands.check_data", "-h"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: check_data.sh")
