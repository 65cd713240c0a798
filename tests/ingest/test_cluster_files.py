"""Files of clusters: written as the toolkit names and lays them out, they give what their trigger primitives give."""

import awkward as ak
import numpy as np
import pytest
import uproot

from python.commands.make_images import main
from python.data.image_file import parse_image_file
from python.data.metadata import UNKNOWN, vectors
from python.data.npz import read_npz
from python.data.point_clouds import read_point_file
from python.detector.geometry import CHANNELS_PER_APA, CLOCKS_PER_TICK, PLANES
from python.general_purpose_libs import run_command
from python.ingest.products import make_products
from python.ingest.readout import Readout, read_readout
from tests.ingest.root_files import KINDS, TP_TREE, make_tps, real_file, tp_columns, write_root
from tests.ingest.test_matching import deposit
from tests.ingest.test_products import columns_of

REAL = {"true_pos": "true_pos", "true_mom": "particle_momentum", "true_neutrino_mom": "nu_momentum"}


def run(*arguments):
    return run_command(lambda: main([str(argument) for argument in arguments]))


def tables_of(products):
    """What the trees of accepted clusters hold of these products, by plane: numbers, and vectors (lists of arrays)."""
    clusters, tps, tables = products.clusters, products.found.readout.tps, {}
    for number, plane in enumerate(PLANES):
        chosen = np.flatnonzero(clusters.plane == number)
        known = products.metadata(chosen)
        own = (known["is_marley"] == 1)[:, None]
        members = [clusters.members[clusters.indptr[i] : clusters.indptr[i + 1]][::-1] for i in chosen]
        table = {
            "event": known["event"].astype(np.int32),
            "n_tps": known["n_tps"].astype(np.int32),
            "is_main_cluster": known["is_main_track"] == 1,
            "is_es_interaction": (known["is_es_interaction"] == 1) & own[:, 0],
            "marley_tp_fraction": (known["is_marley"] == 1).astype(np.float32),
            "true_neutrino_energy": np.where(own[:, 0], known["true_nu_energy"], -1).astype(np.float32),
            "match_id": known["match_id"].astype(np.int32),
        }
        for theirs, ours in REAL.items():
            vector = np.nan_to_num(np.where(own, vectors(known, ours), 0.0)).astype(np.float32)
            table |= {f"{theirs}_{axis}": vector[:, i] for i, axis in enumerate("xyz")}
        columns = {
            "detector": tps.apa, "detector_channel": tps.channel % CHANNELS_PER_APA, "time_start": tps.start * CLOCKS_PER_TICK,
            "samples_over_threshold": tps.sot, "samples_to_peak": tps.to_peak, "adc_integral": tps.integral, "adc_peak": tps.peak,
        }  # fmt: skip
        table |= {f"tp_{name}": [column[rows] for rows in members] for name, column in columns.items()}
        tables[f"clusters/clusters_tree_{plane}"] = table
    return tables


def write(path, tables, without=()):
    """Write trees; what is `without` of their branches is not there."""
    with uproot.recreate(path) as file:
        for name, table in tables.items():
            table = {key: column for key, column in table.items() if key not in without}
            jagged = {key for key, column in table.items() if isinstance(column, list)}
            types = {key: "var * int32" if key in jagged else column.dtype for key, column in table.items()}
            file.mktree(name, types)
            if len(table.get("event", ())):
                whole = {key: ak.values_astype(ak.Array(table[key]), np.int32) for key in jagged}
                file[name].extend(table | whole)
    return path


def images(folder, stem, plane):
    path = folder / f"{stem}_plane{plane}.npz"
    return parse_image_file(read_npz(path), path)


@pytest.fixture
def products():
    """Event 3 has two deposits of three planes and one seen by X alone, event 4 one deposit."""
    rows = [
        *deposit(200.0, 100.0, 50.0, mev=12.0, event=3),
        *deposit(-150.0, -300.0, 350.0, mev=5.0, event=3),
        *deposit(90.0, 250.0, 180.0, mev=4.0, event=3, planes=(2,)),
        *deposit(60.0, -90.0, 20.0, mev=6.0, event=4),
    ]
    return make_products(Readout.of_arrays(columns_of(make_tps(rows))))


@pytest.fixture
def tables(products):
    return tables_of(products)


# ---------------------------------------------------------------------------- what comes out
@pytest.mark.root_data
@pytest.mark.parametrize("kind", KINDS)
def test_clusters_of_real_files_give_the_images_of_their_primitives(kind, tmp_path):
    """Clusters, matches and truth go the way through the toolkit's trees; run, subrun and source alone are others."""
    products = make_products(read_readout(real_file(kind)))
    path = write(tmp_path / f"{kind}_matched.root", tables_of(products))
    assert run("-i", path, "-o", tmp_path) == 0
    points = read_point_file(tmp_path / f"{kind}_matched_points.npz")
    assert points.metadata["match_id"].tolist() == products.points().metadata["match_id"].tolist()
    for plane in PLANES:
        found, expected = images(tmp_path, f"{kind}_matched", plane), products.images(plane)
        for array in ("indptr", "indices", "data"):
            assert np.array_equal(getattr(found.images, array), getattr(expected.images, array))
        with_main = np.isin(found.metadata["event"], found.metadata["event"][found.metadata["is_main_track"] == 1])
        names = [name for name in found.metadata.dtype.names if not name.startswith(("cluster", "run", "subrun"))]
        for name in [*names, "cluster_energy"]:
            of_truth = name.startswith(("true", "nu_", "particle", "is_es"))
            rows = with_main if of_truth else slice(None)
            np.testing.assert_allclose(
                found.metadata[name][rows], expected.metadata[name][rows], rtol=1e-5, err_msg=name
            )
        assert np.all(found.metadata["run"] == UNKNOWN)


def test_clusters_are_taken_as_they_are(tables, tmp_path, capsys):
    """No cut of this project's own is made, and matches are those of the file, whichever numbers they have."""
    for table in tables.values():
        table["match_id"] = np.where(table["match_id"] == 0, 70, -1).astype(np.int32)
    path = write(tmp_path / "a_matched.root", tables)
    assert run("-i", path, "-o", tmp_path, "--energy-cut", "50", "--min-tps", "9") == 0
    assert "taken as they are" in capsys.readouterr().err
    assert [len(images(tmp_path, "a_matched", plane).metadata) for plane in PLANES] == [3, 3, 4]
    for plane in PLANES:
        table = images(tmp_path, "a_matched", plane).metadata
        assert sorted(table["match_id"].tolist()) == [-1] * (len(table) - 1) + [70]
        assert np.array_equal(table["face"] != 0, (table["match_id"] == 70) | (plane == "X"))


def test_clusters_without_matches_are_matched_here(products, tables, tmp_path):
    path = write(tmp_path / "a_clusters.root", tables, without=("match_id",))
    assert run("-i", path, "-o", tmp_path) == 0
    for plane in PLANES:
        expected = products.images(plane).metadata["match_id"]
        assert images(tmp_path, "a_clusters", plane).metadata["match_id"].tolist() == expected.tolist()


def test_matches_of_others_are_no_matches(tables, tmp_path, capsys):
    """Number 5 is of X in event 4 and of U in event 3; number 6 is on U alone."""
    numbers = {"U": [5, 6, -1], "V": [-1, -1, -1], "X": [-1, -1, -1, 5]}
    for plane, number in numbers.items():
        table = tables[f"clusters/clusters_tree_{plane}"]
        table["match_id"] = np.array(number, np.int32)
    assert run("-i", write(tmp_path / "a.root", tables), "-o", tmp_path) == 0
    assert "3 clusters have the match of no X cluster" in capsys.readouterr().err
    for plane in PLANES:
        assert np.all(images(tmp_path, "a", plane).metadata["match_id"] == -1)


def test_labels_are_those_of_the_file_and_truth_is_the_main_clusters(tables, tmp_path):
    x = tables["clusters/clusters_tree_X"]
    event = x["event"]
    x["is_main_cluster"] = np.arange(len(event)) == np.flatnonzero(event == 3)[1]
    x["marley_tp_fraction"] = np.where(event == 3, 0.6, 0.5).astype(np.float32)
    x["is_es_interaction"] = x["is_main_cluster"]
    x["true_mom_z"] = np.where(x["is_main_cluster"], 0.01, 0.02).astype(np.float32)
    x["true_neutrino_energy"] = np.where(x["is_main_cluster"], 30.0, -1.0).astype(np.float32)
    assert run("-i", write(tmp_path / "a.root", tables), "-o", tmp_path) == 0
    for plane in PLANES:
        table = images(tmp_path, "a", plane).metadata
        of_three = table["event"] == 3
        assert np.all(table["particle_momentum_z"][of_three] == np.float32(0.01))
        assert np.all(table["true_nu_energy"][of_three] == 30)
        assert np.all(np.isnan(table["true_pos_x"]))
        assert np.all(table["is_es_interaction"] == np.where(of_three, 1, UNKNOWN))
    assert np.array_equal(table["is_marley"], of_three)
    assert np.flatnonzero(table["is_main_track"]).tolist() == np.flatnonzero(of_three)[1:2].tolist()


def test_files_without_truth_have_unknown_labels(tables, tmp_path):
    assert run("-i", write(tmp_path / "a.root", tables), "-o", tmp_path) == 0
    table = images(tmp_path, "a", "X").metadata
    for name in ("is_marley", "is_main_track", "is_es_interaction"):
        assert np.all(table[name] == UNKNOWN)


def test_discarded_clusters_are_in_the_surroundings_alone(tables, tmp_path):
    """One of X beside the brightest, which the toolkit cut away, is among the points around that one and has no image."""
    near = make_products(Readout.of_arrays(columns_of(make_tps(deposit(190.0, 100.0, 60.0, mev=2.5, event=3)))))
    discarded = {name.replace("clusters/", "discarded/"): table for name, table in tables_of(near).items()}
    points = {}
    for name, more in (("without", {}), ("with", discarded)):
        assert run("-i", write(tmp_path / f"{name}.root", tables | more), "-o", tmp_path) == 0
        points[name] = np.diff(read_point_file(tmp_path / f"{name}_points.npz").clouds.indptr)
        assert len(images(tmp_path, name, "X").metadata) == 4
    assert sorted((points["with"] - points["without"]).tolist()) == [0, 0, 0, 9]


# ---------------------------------------------------------------------------- what is refused
X_TREE = "clusters/clusters_tree_X"


def lose_a_tree(tables):
    del tables["clusters/clusters_tree_V"]


def lose_all_entries(tables):
    for name, table in tables.items():
        tables[name] = {key: column[:0] for key, column in table.items()}


def shorten_a_vector(tables):
    column = tables[X_TREE]["tp_adc_peak"]
    column[1] = column[1][:-1]


def lose_primitives(tables):
    for name in [name for name in tables[X_TREE] if name.startswith("tp_")]:
        tables[X_TREE][name][0] = tables[X_TREE][name][0][:0]


def give_one_number(tables):
    tables[X_TREE]["tp_adc_peak"] = np.ones(4, np.int32)


def take_channels_of_u(tables):
    column = tables[X_TREE]["tp_detector_channel"]
    column[2] = column[2] - 1600


def go_beyond_the_apas(tables):
    column = tables[X_TREE]["tp_detector"]
    column[0] = column[0] + 12


def count_channels_on(tables):
    column = tables[X_TREE]["tp_detector_channel"]
    column[0] = column[0] + 2560


def have_two_main_clusters(tables):
    tables[X_TREE]["is_main_cluster"] = tables[X_TREE]["event"] == 3


def number_two_alike(tables):
    tables[X_TREE]["match_id"] = np.full(4, 2, np.int32)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lose_a_tree, "has no tree clusters/clusters_tree_V"),
        (lose_all_entries, "no entries"),
        (shorten_a_vector, "vectors of other lengths in ['tp_adc_peak']"),
        (lose_primitives, "an entry without trigger primitives (0)"),
        (give_one_number, "no vector per entry in the branch(es) ['tp_adc_peak']"),
        (take_channels_of_u, "of plane U in dune10kt_1x2x2"),
        (go_beyond_the_apas, "tp_detector[0]"),
        (count_channels_on, "tp_detector_channel[0]"),
        (have_two_main_clusters, "convert their files one by one"),
        (number_two_alike, "convert their files one by one"),
    ],
)
def test_files_of_another_layout_are_refused_by_name(tables, tmp_path, capsys, change, reason):
    change(tables)
    path = write(tmp_path / "odd.root", tables)
    assert run("-i", path, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert str(path) in error
    assert reason in error
    assert "Traceback" not in error
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("branch", ["tp_detector", "true_mom_x"])
def test_a_missing_branch_is_named(tables, tmp_path, capsys, branch):
    assert run("-i", write(tmp_path / "a.root", tables, without=(branch,)), "-o", tmp_path / "out") == 3
    assert f"['{branch}']" in capsys.readouterr().err


def test_clusters_torn_over_apas_or_faces_are_left_out_and_counted(tables, tmp_path, capsys):
    for column, row, change in (("tp_detector", 0, 1), ("tp_detector_channel", 1, 480)):
        values = tables[X_TREE][column][row].copy()
        values[0] = (values[0] + change) % 4 if column == "tp_detector" else 1600 + (values[0] - 1600 + change) % 960
        tables[X_TREE][column][row] = values
    assert run("-i", write(tmp_path / "a.root", tables), "-o", tmp_path) == 0
    assert "2 clusters lie on several APAs or faces" in capsys.readouterr().err
    assert len(images(tmp_path, "a", "X").metadata) == 2


def test_nothing_is_laid_over_clusters(tables, tmp_path, capsys):
    path = write(tmp_path / "a.root", tables)
    background = write_root(tmp_path / "b.root", {TP_TREE: tp_columns(make_tps(deposit(100.0, 100.0, 60.0)))})
    assert run("-i", path, "--overlay", background, "-o", tmp_path / "out") == 3
    assert "nothing can be laid over them" in capsys.readouterr().err
    assert run("-i", background, "--overlay", path, "-o", tmp_path / "out") == 3
    assert "has no tree TriggerPrimitives" in capsys.readouterr().err
