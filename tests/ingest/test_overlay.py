"""Background laid over signal: what comes out is what the record says, labels stay the signal's, and bad input is refused."""

import numpy as np
import pytest

from python.commands.make_images import main
from python.data.image_file import parse_image_file
from python.data.metadata import EVENT_KEY
from python.data.npz import read_npz
from python.general_purpose_libs import DataError, run_command
from python.ingest.overlay import Background, read_background
from python.ingest.readout import read_readout
from tests.ingest.root_files import FOLDER, TP_TREE, make_tps, real_columns, real_file, tp_columns, write_root
from tests.ingest.test_matching import deposit

WINDOW, CLOCKS = 6000, 32


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def tracks(events, start, channel=1600):
    """A track of four primitives on X in each of so many events, of its own charge each."""
    return [(event, channel + i, start, 6, 3, 6000 + event, 300) for event in range(events) for i in range(4)]


def write(path, rows, charge=None, track=1):
    """A file of the primitives `rows`; with `charge`, a number for each in canonical order, it has truth."""
    tps = make_tps(rows)
    truth = {}
    if charge is not None:
        charges = np.broadcast_to(np.asarray(charge, float), len(tps))
        truth = {"bt_numelectrons": charges.copy(), "bt_primary_track_id": np.full(len(tps), track, np.int32)}
    return write_root(path, {TP_TREE: tp_columns(tps, **truth)})


def images(folder, stem, plane):
    path = folder / f"{stem}_plane{plane}.npz"
    return parse_image_file(read_npz(path), path)


def same_but_sources(one, other):
    assert one.images.data.tobytes() == other.images.data.tobytes()
    assert one.images.indices.tobytes() == other.images.indices.tobytes()
    assert one.metadata.tobytes() == other.metadata.tobytes()


@pytest.fixture
def files(tmp_path):
    """Seven signal events with truth, and three of background that does not know what it is."""
    signal = write(tmp_path / "signal.root", tracks(7, start=1000), charge=10)
    background = write(tmp_path / "background.root", tracks(3, start=5990, channel=2560 + 1700))
    return signal, background


# ---------------------------------------------------------------------------- what comes out
def test_every_window_is_moved_as_the_record_says(files, tmp_path):
    signal, background = files
    assert run("-i", signal, "--overlay", background, "-o", tmp_path / "out", "--seed", "3") == 0
    record = read_npz(tmp_path / "out" / "signal_overlay.npz")
    table = images(tmp_path / "out", "signal", "X").metadata
    assert (int(record["seed"]), int(record["window"])) == (3, WINDOW)
    assert record["event"].tolist() == list(range(7))
    assert record["background_sources"].tolist() == ["background.root"]
    assert record["n_tps"].tolist() == [4] * 7
    assert sorted(np.bincount(record["background_event"])) == [2, 2, 3]  # none again before all had their turn
    assert len(set(record["offset"].tolist())) > 3
    of_signal, laid_over = table[table["apa"] == 0], table[table["apa"] == 1]
    assert of_signal["first_tick"].tolist() == [1000] * 7
    assert laid_over["event"].tolist() == list(range(7))
    assert laid_over["first_tick"].tolist() == ((5990 + record["offset"]) % WINDOW).tolist()
    charge = 4 * (6000 + record["background_event"]) / 4100
    np.testing.assert_allclose(laid_over["cluster_energy"], charge, rtol=1e-6)


def test_labels_stay_those_of_the_signal(files, tmp_path):
    """The background is 6 MeV beside 4: it is background all the same, and no main track."""
    _, background = files
    for truth, labels in (({"charge": 10}, [1, 0]), ({}, [-1, -1])):
        faint = write(tmp_path / "faint.root", tracks(2, start=300)[:3] + tracks(2, start=300)[4:7], **truth)
        assert run("-i", faint, "--overlay", background, "-o", tmp_path) == 0
        table = images(tmp_path, "faint", "X").metadata
        for name in ("is_marley", "is_main_track"):
            for event in (0, 1):
                of_event = table[table["event"] == event]
                assert of_event[name][np.argsort(of_event["apa"])].tolist() == labels


def test_noise_of_the_background_is_left_out_where_truth_tells(tmp_path):
    rows = [*tracks(1, start=200, channel=4000), (0, 4200, 4000, 6, 3, 9000, 300)]
    known = write(tmp_path / "known.root", rows, charge=[5, 5, 5, 5, 0])
    assert len(read_background(known).tps) == 4
    assert len(read_background(write(tmp_path / "unknown.root", rows)).tps) == 5
    noise = write(tmp_path / "noise.root", rows, charge=0)
    with pytest.raises(DataError, match="only noise"):
        read_background(noise)


def test_particles_of_the_background_are_not_taken_for_the_signals(tmp_path):
    """Particle 1 of the signal gave 18 MeV of a cluster, another particle 1 more: 18 are its chief particle's."""
    wide = [(0, 1600 + i, 0, WINDOW - 1, 3000, 6000 * (i < 3) + 3000 * (i == 3), 300) for i in range(4)]
    signal = write(tmp_path / "s.root", wide[:3], charge=10)
    background = write(tmp_path / "b.root", wide[3:], charge=10)
    assert run("-i", signal, "--overlay", background, "-o", tmp_path, "--legacy-layout", "--min-tps", "1") == 0
    metadata = read_npz(tmp_path / "s_planeX.npz")["metadata"]
    assert 3600 * metadata[:, 11].max() == pytest.approx(18000)


def test_a_file_is_the_same_whatever_else_the_command_names(files, tmp_path, capsys):
    signal, background = files
    other = write(tmp_path / "other.root", tracks(2, start=40), charge=10)
    for name, inputs in (("one", [signal]), ("two", [other, signal])):
        assert run("-i", *inputs, "--overlay", background, "-o", tmp_path / name) == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert (
        "laid 3 of 3 events of background over 7 events; 3 of them over several, one over 3" in capsys.readouterr().err
    )
    assert run("-i", signal, "--overlay", background, "-o", tmp_path / "one", "--seed", "2") == 0
    offsets = [read_npz(tmp_path / name / "signal_overlay.npz")["offset"].tolist() for name in ("one", "two")]
    assert offsets[0] != offsets[1]


def test_the_record_goes_with_what_it_tells_of(files, tmp_path):
    signal, background = files
    assert run("-i", signal, "--overlay", background, "-o", tmp_path / "out") == 0
    assert run("-i", signal, "-o", tmp_path / "out") == 0
    assert not list((tmp_path / "out").glob("*overlay*"))


# ---------------------------------------------------------------------------- real files
@pytest.mark.root_data
def test_real_files_laid_over_by_hand_give_the_same_images(tmp_path):
    """Charged-current events as the background of elastic ones, put together again from the record alone."""
    signal, background = real_file("es"), real_file("cc")
    assert run("-i", signal, "--overlay", background, "-o", tmp_path / "out", "--volumes") == 0
    record = read_npz(tmp_path / "out" / "es_tpstream_overlay.npz")
    trees, theirs = real_columns("es"), real_columns("cc")[TP_TREE]
    parts = [trees[TP_TREE]]
    for i, offset in enumerate(record["offset"]):
        same = [theirs[key] == record[f"background_{key.lower()}"][i] for key in ("Event", "Run", "SubRun")]
        rows = np.all(same, axis=0) & (theirs["bt_numelectrons"] > 0) & (theirs["samples_over_threshold"] > 1)
        assert rows.sum() == record["n_tps"][i]
        moved = {name: column[rows] for name, column in theirs.items()}
        moved["time_start"] = (moved["time_start"] // CLOCKS + offset) % WINDOW * CLOCKS
        for key in ("Event", "Run", "SubRun"):
            moved[key] = np.full_like(moved[key], record[key.lower()][i])
        parts.append({**moved, "bt_numelectrons": np.zeros_like(moved["bt_numelectrons"])})
    trees[TP_TREE] = {name: np.concatenate([part[name] for part in parts]) for name in trees[TP_TREE]}
    by_hand = write_root(tmp_path / "by_hand.root", trees)
    assert run("-i", by_hand, "-o", tmp_path / "out", "--volumes") == 0
    assert run("-i", signal, "-o", tmp_path / "pure") == 0
    for plane in "UVX":
        overlaid = images(tmp_path / "out", "es_tpstream", plane)
        same_but_sources(overlaid, images(tmp_path / "out", "by_hand", plane))
        same_but_sources(
            images(tmp_path / "out", "es_tpstream_volume", plane), images(tmp_path / "out", "by_hand_volume", plane)
        )
        pure = images(tmp_path / "pure", "es_tpstream", plane)
        assert overlaid.sources == pure.sources
        assert len(overlaid.metadata) > 1.5 * len(pure.metadata)
        assert np.all(overlaid.metadata["is_es_interaction"] == 1)
        mains = [one.metadata[one.metadata["is_main_track"] == 1] for one in (overlaid, pure)]
        for name in (*EVENT_KEY, "first_tick", "first_channel", "cluster_energy", "true_pos_x"):
            assert mains[0][name].tolist() == mains[1][name].tolist(), name


# ---------------------------------------------------------------------------- what is refused
def test_the_same_file_on_both_sides_is_refused(files, tmp_path, capsys):
    signal, background = files
    copy = tmp_path / "copy.root"
    copy.write_bytes(signal.read_bytes())
    for overlay, code, reason in (
        ([signal], 2, "named by --input and --overlay"),
        ([background, background], 2, "twice by the latter"),
        ([copy], 3, "would be laid over itself"),
    ):
        assert run("-i", signal, "--overlay", *overlay, "-o", tmp_path / "out") == code
        assert reason in capsys.readouterr().err
    again = tmp_path / "again.root"
    again.write_bytes(background.read_bytes())
    assert run("-i", signal, "--overlay", background, again, "-o", tmp_path / "out") == 3
    assert f"{again}: is a copy of {background}" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.npz"))


def test_background_of_another_geometry_is_refused(files, tmp_path, capsys):
    """Eight APAs would stay without background, or those of the signal without their number."""
    signal, background = files
    larger = write(tmp_path / "larger.root", tracks(3, start=100, channel=10 * 2560 + 1600))
    for one, other in ((signal, [larger]), (larger, [background]), (signal, [background, larger])):
        assert run("-i", one, "--overlay", *other, "-o", tmp_path / "out") == 3
        error = capsys.readouterr().err
        assert f"{one}: has channels of dune10kt_1x2x" in error
        assert "name files of one geometry" in error
    assert (
        run("-i", larger, "--overlay", write(tmp_path / "b.root", tracks(2, 50, 2560 * 11)), "-o", tmp_path / "out")
        == 0
    )


def test_a_seed_without_background_is_refused(files, tmp_path, capsys):
    assert run("-i", files[0], "-o", tmp_path / "out", "--seed", "3") == 2
    assert "--overlay" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no entries"),
        ([(0, 1700, 100, 1, 0, 90, 90)], "nothing to lay over"),
        (tracks(1, start=WINDOW), "begins at tick 6000"),
    ],
)
def test_background_that_is_none_is_refused(files, tmp_path, capsys, rows, reason):
    bad = write(tmp_path / "bad.root", rows)
    assert run("-i", files[0], "--overlay", bad, "-o", tmp_path / "out") == 3
    assert reason in capsys.readouterr().err
    assert run("-i", files[0], "--overlay", bad, files[1], "-o", tmp_path / "out", "--skip-bad-files") == 0
    assert f"skipped: {bad}" in capsys.readouterr().err
    assert run("-i", files[0], "--overlay", bad, "-o", tmp_path / "none", "--skip-bad-files") == 3


def test_channels_beyond_the_geometry_and_missing_files_are_refused(files, tmp_path, capsys):
    columns = tp_columns(make_tps(tracks(1, start=10)))
    columns["channel"] = columns["channel"] + 30720
    bad = write_root(tmp_path / "bad.root", {TP_TREE: columns})
    for overlay, reason in ((bad, "beyond the 30720"), (tmp_path / "gone.root", "no such file")):
        assert run("-i", files[0], "--overlay", overlay, "-o", tmp_path / "out") == 3
        error = capsys.readouterr().err
        assert str(overlay) in error
        assert reason in error


def test_signal_of_other_windows_is_refused_and_the_others_are_made(files, tmp_path, capsys):
    late = write(tmp_path / "late.root", tracks(1, start=WINDOW + 5), charge=10)
    assert run("-i", late, files[0], "--overlay", files[1], "-o", tmp_path / "out") == 3
    assert "begins at tick 6005" in capsys.readouterr().err
    assert (tmp_path / "out" / "signal_overlay.npz").exists()
    assert not (tmp_path / "out" / "late_overlay.npz").exists()


def test_windows_without_primitives_are_windows_too(tmp_path):
    """An event of background in which nothing happened may be laid over, and adds nothing."""
    quiet = {"Event": np.arange(2, dtype=np.uint32), "Run": np.ones(2, np.uint32), "SubRun": np.zeros(2, np.uint32)}
    floats = ("x", "y", "z", "px", "py", "pz", "energy")
    particles = {name: np.zeros(2, np.int32) for name in ("block_id", "pdg", "status_code")}
    truths = {**quiet, **particles, **{name: np.zeros(2) for name in floats}}
    columns = tp_columns(make_tps(deposit(200.0, 100.0, 50.0, event=0)))
    path = write_root(tmp_path / "b.root", {TP_TREE: columns, f"{FOLDER}/mctruths": truths})
    signal = write(tmp_path / "s.root", tracks(4, start=100))
    _, overlay = Background([read_background(path)], seed=1).over(read_readout(signal), signal)
    assert sorted((overlay.n_tps > 0).tolist()) == [False, False, True, True]
