"""What may not stand together in a configuration of electron directions, and in which words that is said."""

import subprocess
import sys
from dataclasses import replace

import pytest

from electron_direction.models.three_plane_cnn import ARCHITECTURE
from electron_direction.schema import SCHEMA
from python.config.load import dump_config, parse_config
from python.config.schema import PointParameters
from python.general_purpose_libs import ConfigError


class WithPoints(ARCHITECTURE.parameters, PointParameters):
    pass


NO_SYMMETRY = {"dataset_parameters": {"augmentation": {"symmetries": []}}, "prediction": {"average_over": []}}
OLD = {"dataset_parameters": {"frame": "old", "augmentation": {"symmetries": []}}, "prediction": {"average_over": []}}


def parse(model_name="three_plane_cnn", **keys):
    return parse_config({"model_name": model_name, **keys}, SCHEMA)


def refusal(model_name="three_plane_cnn", **keys):
    with pytest.raises(ConfigError) as error:
        parse(model_name, **keys)
    return str(error.value)


@pytest.fixture
def takes_points(monkeypatch):
    monkeypatch.setitem(
        SCHEMA.architectures,
        "for_rules",
        replace(ARCHITECTURE, parameters=WithPoints, inputs=lambda _parameters: ("points",)),
    )
    return "for_rules"


@pytest.mark.parametrize("name", [*SCHEMA.architectures])
def test_defaults_of_every_network_hold_and_are_told_whole(name):
    config = parse(name)
    assert config.selection.complete_match
    assert config.selection.main_track
    assert config.selection.channel == "es"
    assert config.dataset_parameters.augmentation.symmetries == config.prediction.average_over == ("rotation",)
    assert parse_config(dump_config(config), SCHEMA) == config


# ---------------------------------------------------------------------------- the old frame
def test_the_old_frame_has_no_symmetries():
    message = refusal(dataset_parameters={"frame": "old"})
    for path in ("dataset_parameters.augmentation.symmetries", "prediction.average_over"):
        assert f"{path}: must be [] where frame is old" in message
    assert "2 mistakes" in message
    assert parse(**OLD).dataset_parameters.frame == "old"


def test_the_old_frame_has_no_offsets_and_no_points(takes_points):
    offsets = {"model_parameters": {"build_parameters": {"use_offsets": True}}}
    assert "dataset_parameters.frame: is old, but offsets are there in the drift frame only" in refusal(
        **OLD, **offsets
    )
    assert "is old, but points are there" in refusal(takes_points, **OLD)
    assert parse(**offsets).dataset_parameters.frame == "drift"


# ---------------------------------------------------------------------------- planes
@pytest.mark.parametrize("plane", ["U", "V"])
@pytest.mark.parametrize("mirror", ["mirror_y", "mirror_z"])
def test_mirrors_that_exchange_u_and_v_need_both(plane, mirror):
    symmetries = {"augmentation": {"symmetries": ["rotation", mirror]}}
    message = refusal("single_plane_cnn", plane=plane, dataset_parameters=symmetries)
    assert f"augmentation.symmetries: {mirror} exchange" in message
    assert f"takes plane {plane} alone" in message
    message = refusal("single_plane_cnn", plane=plane, prediction={"average_over": [mirror]})
    assert f"prediction.average_over: {mirror} exchange" in message


@pytest.mark.parametrize(
    ("model_name", "plane", "names"),
    [
        ("single_plane_cnn", "U", ["rotation", "mirror_x"]),
        ("single_plane_cnn", "X", ["rotation", "mirror_x", "mirror_y", "mirror_z"]),
        ("three_plane_cnn", "X", ["rotation", "mirror_x", "mirror_y", "mirror_z"]),
    ],
)
def test_symmetries_that_the_planes_allow(model_name, plane, names):
    parsed = parse(
        model_name,
        plane=plane,
        prediction={"average_over": names},
        dataset_parameters={"augmentation": {"symmetries": names}},
    )
    assert parsed.prediction.average_over == tuple(names)


def test_a_plane_is_not_chosen_where_all_are_taken():
    assert "plane: is U, but this network takes all three planes" in refusal(plane="U")
    assert parse("single_plane_cnn", plane="U").plane == "U"


# ---------------------------------------------------------------------------- the rest
def test_points_are_not_blended(takes_points):
    mix_up = {"augmentation": {"mix_up": 0.4}}
    assert "mix_up: blends images; points cannot be blended" in refusal(takes_points, dataset_parameters=mix_up)
    assert parse(dataset_parameters=mix_up).dataset_parameters.augmentation.mix_up == 0.4


@pytest.mark.parametrize(("low", "high"), [(20, 10), (10, 10)])
def test_energies_that_hold_nothing(low, high):
    message = refusal(selection={"min_energy": low, "max_energy": high})
    assert f"selection.min_energy: {low} is not below max_energy, {high}" in message
    assert parse(selection={"min_energy": 10}).selection.max_energy is None


def test_a_misspelt_value_is_told_once_and_rules_wait_for_it():
    message = refusal(plane="U", prediction={"average_over": ["rotatoin"]}, selection={"chanel": "es"})
    assert "prediction.average_over" in message
    assert 'did you mean "channel"?' in message
    assert "takes all three planes" in message
    assert "3 mistakes" in message


def test_a_network_is_trained_with_its_losses():
    assert "model_parameters.loss.name" in refusal(
        "three_plane_multi_task", model_parameters={"loss": {"name": "angular"}}
    )
    assert parse(
        "three_plane_cnn", model_parameters={"loss": {"name": "multi_task"}}
    ).model_parameters.loss.energy_weight


@pytest.mark.parametrize(
    "augmentation",
    [{"energy_scale": 1.0}, {"noise_adc": 0}, {"mix_up": -1}, {"symmetries": ["turn"]}, {"rotation": 30}],
)
def test_augmentations_that_would_spoil_labels_are_not_offered(augmentation):
    (key,) = augmentation
    assert f"dataset_parameters.augmentation.{key}" in refusal(dataset_parameters={"augmentation": augmentation})


def test_configurations_are_checked_without_keras():
    code = "import sys, electron_direction.schema; raise SystemExit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
