"""The command line: files, table, last line, exit codes, and help without NumPy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from python.commands.make_images import main
from python.general_purpose_libs import run_command
from tests.ingest.root_files import TP_TREE, make_tps, real_file, tp_columns, write_root

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


@pytest.fixture
def small_file(tmp_path):
    tps = make_tps([(3, 1600 + i, 100, 6, 3, 6000, 300) for i in range(3)])
    return write_root(tmp_path / "small.root", {TP_TREE: tp_columns(tps)})


@pytest.mark.root_data
def test_real_files_become_images(tmp_path, capsys):
    assert run("-i", real_file("es"), real_file("cc"), "-o", tmp_path / "out", "--volumes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(tmp_path / "out")
    assert lines[-2].split()[:4] == ["total", "60", "10", "50"]
    assert [line.split()[0] for line in lines[:-1]] == ["source", "es_tpstream.root", "cc_tpstream.root", "total"]
    names = {f"{kind}_tpstream{part}_plane{p}.npz" for kind in ("es", "cc") for part in ("", "_volume") for p in "UVX"}
    names |= {f"{kind}_tpstream_points.npz" for kind in ("es", "cc")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_options_reach_the_images(small_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        run("-i", small_file, "-o", out, "--planes", "X", "--image-size", "64x16", "--energy-calibration", "older") == 0
    )
    assert [path.name for path in out.iterdir()] == ["small_planeX.npz"]
    with np.load(out / "small_planeX.npz") as arrays:
        assert arrays["image_shape"].tolist() == [64, 16]
        energy = arrays["metadata"][0, arrays["metadata_columns"].tolist().index("cluster_energy")]
    assert energy == pytest.approx(18000 / 3600)
    cuts = {"--energy-cut": "5.1", "--min-tps": "4", "--tot-cut": "6"}
    for option, value in cuts.items():
        capsys.readouterr()
        run("-i", small_file, "-o", out, option, value, "--energy-calibration", "older")
        table = capsys.readouterr().out.splitlines()
        assert table[1].split()[4:7] == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("options", "adc_per_mev"),
    [(["--legacy-layout"], 3600), (["--legacy-layout", "--energy-calibration", "measured"], 4100), ([], 4100)],
)
def test_the_older_layout_has_the_older_calibration(small_file, tmp_path, options, adc_per_mev):
    """Three primitives of 6000 ADC: a cluster where the cut lies below 18000 ADC over the calibration."""
    just = 18000 / adc_per_mev
    for cut, expected in ((just - 0.01, 1), (just + 0.01, 0)):
        assert run("-i", small_file, "-o", tmp_path, "--energy-cut", cut, "--planes", "X", *options) == 0
        with np.load(tmp_path / "small_planeX.npz") as arrays:
            assert len(arrays["metadata"]) == expected


def test_an_older_result_is_replaced_and_said_so(small_file, tmp_path, capsys):
    (tmp_path / "small_planeX.npz").write_text("from before")
    assert run("-i", small_file, "-o", tmp_path) == 0
    assert "replaced small_planeX.npz" in capsys.readouterr().err
    with np.load(tmp_path / "small_planeX.npz") as arrays:
        assert str(arrays["plane"]) == "X"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--image-size", "128"], "128x32"),
        (["--image-size", "0x32"], "128x32"),
        (["--planes", "W"], "W"),
        (["--energy-cut", "nan"], "MeV"),
        (["--min-tps", "0"], "at least 1"),
        (["--tick-limit", "x"], "whole number"),
        (["--energy-calibration", "best"], "measured"),
    ],
)
def test_usage_errors_exit_2(small_file, tmp_path, capsys, options, word):
    try:
        code = run("-i", small_file, "-o", tmp_path / "out", *options)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_volumes_do_not_overwrite_clusters_of_another_input(small_file, tmp_path):
    other = tmp_path / "small_volume.root"
    other.write_bytes(small_file.read_bytes())
    assert run("-i", small_file, other, "-o", tmp_path / "out", "--volumes") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"small.root", "small_volume.root"}
    assert (tmp_path / "out" / "small_volume.root" / "small_volume_planeU.npz").exists()
    assert run("-i", small_file, other, "-o", tmp_path / "flat") == 0
    assert all(path.suffix == ".npz" for path in (tmp_path / "flat").iterdir())


def test_one_file_keeps_its_name_in_the_table(small_file, tmp_path, capsys):
    assert run("-i", small_file, "-o", tmp_path / "out", "-v") == 0
    output = capsys.readouterr()
    assert [line.split()[0] for line in output.out.splitlines()] == ["source", "small.root", str(tmp_path / "out")]
    assert "3 trigger primitives" in output.err


def test_missing_and_damaged_inputs_exit_3_and_are_named(small_file, tmp_path, capsys):
    assert run("-i", small_file, tmp_path / "gone.root", "-o", tmp_path / "out") == 3
    assert "gone.root" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty.root").touch()
    assert run("-i", small_file, tmp_path / "empty.root", "-o", tmp_path / "out") == 3
    assert "empty.root" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_exits_5(small_file, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o555)
    assert run("-i", small_file, "-o", tmp_path / "locked") == 5
    assert "locked" in capsys.readouterr().err


def test_an_output_that_is_a_file_exits_5(small_file, capsys):
    assert run("-i", small_file, "-o", small_file) == 5
    assert "small.root" in capsys.readouterr().err


def test_help_needs_nothing_but_the_standard_library():
    code = "import sys; sys.modules['numpy'] = None; from python.commands.make_images import main; main(['-h'])"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in ("--image-size", "--volumes", "--legacy-layout", "--energy-calibration", "--tot-cut"):
        assert option in done.stdout
