"""The network of a finished run as one object: what it answers for samples from files and for samples made in memory."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from python.commands.tasks import load_task
from python.data.image_file import write_image_file
from python.data.image_set import ImageSet
from python.data.triples import TripleSet
from python.directions.find import answers, losses
from python.directions.lobes import Lobes
from python.directions.recalibration import Recalibration
from python.directions.sphere import ONE_SIGMA, draw_von_mises_fisher, unit
from python.general_purpose_libs import ConfigError
from python.ingest.products import make_products
from python.runs.predictions import ClassPredictions, DirectionPredictions
from python.simulation.backgrounds import NOMINAL_RATES
from python.simulation.event_list import plan_events
from python.simulation.events import simulate_readout
from python.simulation.settings import SimulationSettings
from python.training.task import Samples
from python.training.trained import Trained
from tests.commands.conftest import TRACKS, VOLUMES, network, untrained
from tests.electron_direction.conftest import SMALL as DIRECTIONS
from tests.synthetic import image_file

SHAPE = (64, 16)
LOSS_OF = {answer: next(loss for loss in losses() if losses()[loss].answer.name == answer) for answer in answers()}


def loaded(folder, keys, **more):
    run = untrained(folder, keys, **more)
    trained = Trained.load(load_task(keys["task"]), run)
    shutil.rmtree(run)  # nothing is needed any more
    return trained


def images_of(plane="X", n=30, shape=SHAPE):
    content = image_file(n, plane=plane, shape=shape)
    return ImageSet(content.images, content.metadata, content.sources)


def triples(n=30):
    planes = [images_of(plane, n) for plane in "UVX"]
    table = planes[2].metadata
    table["drift_frame"], table["face"] = 1, np.where(np.arange(n) % 3, 1, -1)
    matched, offsets = np.ones((n, 3), bool), np.zeros((n, 3), np.float32)
    return TripleSet(tuple(each.images for each in planes), table, matched, offsets, planes[2].sources)


def direction_keys(loss):
    model = {**DIRECTIONS["model_parameters"], "loss": {"name": loss}}
    return {**DIRECTIONS, "model_parameters": model, "prediction": {"average_over": []}}


# ---------------------------------------------------------------------------- in memory
def test_samples_in_memory_and_in_files_are_answered_alike(tmp_path):
    content = image_file(30, shape=SHAPE)
    write_image_file(tmp_path / "data" / "a_planeX.npz", content)
    trained = loaded(tmp_path / "run", TRACKS)
    read = trained.answers(trained.read([tmp_path / "data"]))
    made = trained.answers(images_of())
    assert isinstance(made, ClassPredictions)
    assert made.temperature is None
    ours, theirs = made.arrays(), read.arrays()
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert len(np.unique(made.scores)) > 10
    assert made.labels.tolist() == trained.task.labels(images_of(), trained.architecture).tolist()


def test_directions_of_samples_in_memory(tmp_path):
    trained = loaded(tmp_path / "run", direction_keys("von_mises_fisher"))
    found = trained.answers(triples())
    assert isinstance(found, DirectionPredictions)
    assert found.outputs.shape == (30, 3)
    assert found.output_layout == "von_mises_fisher"
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1)
    signs = np.where(found.clusters.face[:, None] == 1, [1, 1, 1], [-1, -1, 1])
    np.testing.assert_allclose(found.direction, signs * found.direction_drift_frame)
    inputs = triples().network_inputs(np.arange(30))
    np.testing.assert_allclose(found.outputs, network(trained.config).predict_on_batch(inputs), atol=1e-5)


@pytest.mark.parametrize("keys", [TRACKS, VOLUMES, DIRECTIONS], ids=lambda keys: keys["task"])
def test_trigger_primitives_are_answered_without_any_file(keys, tmp_path):
    trained = loaded(tmp_path / "run", keys)
    settings = SimulationSettings(events=12, seed=5, background=dict.fromkeys(NOMINAL_RATES, 0.0))
    samples = trained.samples_of(make_products(simulate_readout(settings, plan_events(settings), 0)))
    found = trained.answers(samples)
    assert len(found) == len(samples) > 3
    assert found.clusters.event.tolist() == samples.metadata["event"].tolist()
    assert found.clusters.told_by_content
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["calibration", "metrics"])
def test_volumes_in_memory_are_answered_with_the_temperature_of_the_run(file, tmp_path):
    """Older code left it among the metrics."""
    trained = loaded(tmp_path / "run", VOLUMES, **{file: {"temperature": 2.0}})
    found = trained.answers(images_of(n=4, shape=(208, 1242)))
    assert found.temperature == 2.0
    assert found.calibrated_scores.shape == (4, 2)
    assert found.class_names.tolist() == ["cc", "es"]


# ---------------------------------------------------------------------------- calibrated directions
@pytest.fixture(scope="module")
def recalibration():
    """What corrects answers of one lobe that are four times as narrow as is true."""
    rng = np.random.default_rng(1)
    told, energy = rng.normal(size=(400, 3)) * rng.uniform(1, 10, (400, 1)), rng.uniform(5, 50, 400)
    return Recalibration.fit(Lobes.single(told), energy, draw_von_mises_fisher(told / 4, 1, rng)[:, 0])


@pytest.mark.parametrize("frame", ["drift", "old"])
def test_directions_are_answered_with_the_calibration_of_the_run(frame, recalibration, tmp_path):
    calibration = {"answer": "von_mises_fisher", **recalibration.described()}
    keys = direction_keys("von_mises_fisher")
    keys["dataset_parameters"] = {**keys["dataset_parameters"], "frame": frame, "augmentation": {"symmetries": []}}
    plain, trained = (
        loaded(tmp_path / name, keys, **more) for name, more in (("a", {}), ("b", {"calibration": calibration}))
    )
    found, raw = trained.answers(triples()), plain.answers(triples())
    assert raw.calibrated_68_deg is None
    np.testing.assert_array_equal(found.direction, raw.direction)
    np.testing.assert_array_equal(found.predicted_68_deg, raw.predicted_68_deg)
    lobes = Lobes(found.calibrated_eta_drift_frame.astype(float), found.calibrated_probability.astype(float))
    np.testing.assert_allclose(lobes.probability.sum(axis=1), 1, atol=1e-6)
    axis = unit(lobes.eta[:, 0])
    np.testing.assert_allclose(axis, found.direction_drift_frame, atol=1e-6)
    np.testing.assert_array_equal(lobes.eta[:, -1], 0)
    expected = recalibration.lobes(Lobes.single(raw.kappa[:, None] * axis), raw.clusters.cluster_energy)
    places = draw_von_mises_fisher(np.zeros((1, 3)), 5, np.random.default_rng(2))[0]
    np.testing.assert_allclose(lobes.log_density(places), expected.log_density(places), atol=1e-5)
    np.testing.assert_allclose(found.calibrated_68_deg, expected.angle_about(axis, ONE_SIGMA), rtol=0.01)
    ahead = np.mean(np.sum(expected.draw(2000, np.random.default_rng(3)) * axis[:, None], axis=2) > 0, axis=1)
    np.testing.assert_allclose(found.calibrated_head_probability, ahead, atol=0.06)


@pytest.mark.parametrize(
    ("keys", "calibration", "message"),
    [
        (
            direction_keys("von_mises_fisher"),
            {"answer": "two_lobes"},
            "is for the answer 'two_lobes', the network gives",
        ),
        (direction_keys("von_mises_fisher"), {"answer": "von_mises_fisher"}, "not a recalibration of directions"),
        (direction_keys("von_mises_fisher"), {"temperature": 2.0}, "is for the answer None"),
        (
            direction_keys("von_mises_fisher"),
            {"answer": "von_mises_fisher", "electron_energy": {}},
            "estimates energies from points, which the network does not read",
        ),
        (TRACKS, {"temperature": -1}, "must be positive"),
        (TRACKS, {"answer": "two_lobes"}, "has no temperature"),
    ],
)
def test_what_is_no_calibration_of_the_network_is_refused_in_one_line(keys, calibration, message, tmp_path):
    trained = loaded(tmp_path / "run", keys, calibration=calibration)
    samples = images_of() if keys is TRACKS else triples()
    with pytest.raises(
        ConfigError, match=rf"run/calibration\.json: .*{message}.*; give the folder as the training left it"
    ):
        trained.answers(samples)


# ---------------------------------------------------------------------------- some, none, others
def test_some_rows_of_labelled_samples(tmp_path):
    trained, images = loaded(tmp_path / "run", TRACKS), images_of()
    rows, labels = np.array([7, 3]), np.arange(30) % 2
    some = trained.answers_of(Samples(images, labels), rows)
    assert some.clusters.row.tolist() == [7, 3]
    assert some.clusters.event.tolist() == images.metadata["event"][rows].tolist()
    assert some.labels.tolist() == [1, 1]
    np.testing.assert_allclose(some.scores, trained.answers(images).scores[rows], atol=1e-6)


def test_progress_is_told(tmp_path):
    heard = []
    loaded(tmp_path / "run", TRACKS).answers(images_of(), lambda done, total: heard.append((done, total)))
    assert heard[-1] == (30, 30)


def test_no_samples_have_no_answers(tmp_path):
    trained = loaded(tmp_path / "run", TRACKS)
    none = trained.answers(images_of().keep("none", np.zeros(30, bool)))
    assert len(none) == 0
    assert none.scores.shape == (0, 2)
    trained = loaded(tmp_path / "volumes", VOLUMES, calibration={"temperature": 2.0})
    assert trained.answers(images_of().keep("none", np.zeros(30, bool))).calibrated_scores.shape == (0, 2)


@pytest.mark.parametrize("answer", LOSS_OF)
def test_no_samples_have_no_directions(answer, tmp_path):
    trained = loaded(tmp_path / "run", direction_keys(LOSS_OF[answer]))
    none = trained.answers(triples().keep("none", np.zeros(30, bool)))
    assert none.output_layout == answer
    assert none.direction.shape == none.direction_drift_frame.shape == (0, 3)
    assert none.outputs.shape == (0, len(answers()[answer].columns))


def test_samples_of_other_images_are_refused(tmp_path):
    trained = loaded(tmp_path / "run", TRACKS)
    with pytest.raises(ConfigError, match=r"the network takes .*\(64, 16, 1\).* \(64, 24, 1\)"):
        trained.answers(images_of(shape=(64, 24)))


def test_a_tagger_is_judged_by_the_data_that_are_named_not_by_the_folders_of_its_training(tmp_path):
    tagger = loaded(tmp_path / "run", {**VOLUMES, "es_directories": ["gone"], "cc_directories": ["gone"]})
    content = replace(image_file(30, shape=(208, 1242)), kind="volumes")
    write_image_file(tmp_path / "data" / "one_volume_planeX.npz", content)
    samples = tagger.known([tmp_path / "data"])
    assert np.array_equal(samples.labels, content.metadata["is_es_interaction"])
