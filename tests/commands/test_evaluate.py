"""evaluate.sh, from the command line: a network judged by data with truth."""

import numpy as np
import pytest

from python.commands.evaluate import main
from python.data.npz import read_npz
from python.general_purpose_libs import read_json, run_command
from tests.commands.conftest import without_truth


@pytest.fixture
def evaluate(tmp_path, capsys):
    def evaluate(run, data, *more, output=tmp_path / "judged"):
        capsys.readouterr()
        line = ["-m", run, "-d", data, "-o", output, *more]
        code = run_command(lambda: main([str(part) for part in line]))
        return code, capsys.readouterr(), output

    return evaluate


@pytest.mark.parametrize("kind", ["track", "direction"])
def test_all_samples_of_known_truth_are_judged_as_the_test_part_of_the_training_was(evaluate, request, kind):
    run = request.getfixturevalue(f"{kind}_run")
    code, said, folder = evaluate(run, request.getfixturevalue({"track": "tracks", "direction": "events"}[kind]))
    assert code == 0, said.err
    assert said.out.splitlines()[-1] == str(folder)
    told, of_run = read_json(folder / "metrics.json"), read_json(run / "metrics.json")
    of_network = [{name for name in metrics if not name.startswith("baseline_")} for metrics in (told, of_run)]
    assert of_network[0] == of_network[1] - {"n_parameters"}
    assert "baseline_auc" not in told  # a forest would have to learn
    assert ("baseline_energy_cut_auc" in told) == (kind == "track")  # a cut need not
    found, split = read_npz(folder / "test_predictions.npz"), read_npz(run / "splits.npz")
    assert len(found["event"]) == len(split["part"])
    if kind == "track":
        assert told["accuracy"] == pytest.approx(np.mean(np.argmax(found["scores"], axis=1) == found["labels"]))
    assert read_json(folder / "evaluation.json")["network"] == str(run)
    assert not list(folder.parent.glob(".judged*"))


@pytest.mark.usefixtures("with_figures")
def test_it_is_drawn_and_reported_without_a_training(evaluate, untrained_track_run, tracks):
    folder = evaluate(untrained_track_run, tracks)[2]
    plots = {path.stem for path in (folder / "plots").iterdir()}
    assert {"roc_curve", "confusion_matrix", "samples"} <= plots
    assert "training_history" not in plots
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_a_limit_of_the_training_is_none_of_the_data_and_set_chooses_others(evaluate, direction_run, events, tmp_path):
    counts = {}
    for name, more in {"own": (), "few": ("--set", "selection.min_energy=20")}.items():
        code, said, folder = evaluate(direction_run, events, *more, output=tmp_path / name)
        assert code == 0, said.err
        counts[name] = len(read_npz(folder / "test_predictions.npz")["event"])
    assert 0 < counts["few"] < counts["own"]


def test_without_truth_nothing_can_be_judged_and_nothing_is_left(evaluate, untrained_track_run, tracks, tmp_path):
    code, said, folder = evaluate(untrained_track_run, without_truth(tracks, tmp_path / "detector"))
    assert code == 3
    assert "no sample of known truth" in said.err
    assert not folder.exists()
    assert not list(folder.parent.glob(".judged*"))


def test_a_folder_of_something_else_is_not_replaced_and_an_own_one_when_asked_to(
    evaluate, untrained_track_run, tracks, tmp_path
):
    (tmp_path / "judged").mkdir()
    (tmp_path / "judged" / "thesis.tex").write_text("years of work")
    for more in ((), ("--force",)):
        code, said, folder = evaluate(untrained_track_run, tracks, *more)
        assert code == 2
        assert "not from evaluate.sh" in said.err
    assert (folder / "thesis.tex").read_text() == "years of work"
    other = tmp_path / "other"
    assert evaluate(untrained_track_run, tracks, output=other)[0] == 0
    code, said, _ = evaluate(untrained_track_run, tracks, output=other)
    assert (code, "--force" in said.err) == (2, True)
    assert evaluate(untrained_track_run, tracks, "--force", output=other)[0] == 0
