"""What older scripts did without being told, and what their files said in other words."""

import pytest

from python.commands.tasks import load_schema
from python.config.legacy.bookkeeping import BOOKKEEPING
from python.config.legacy.convert import convert
from python.config.load import parse_config
from python.general_purpose_libs import ConfigError

CT, ED, MT = "channel_tagging", "electron_direction", "mt_identifier"
FOLDERS = {"es_dir": "/es_volumes", "cc_dir": "/cc_volumes"}


def converted(raw, task=MT):
    result = convert(raw, load_schema(task), "FILE")
    return result, parse_config(result.config, load_schema(task), "FILE")


def build(raw, task=MT):
    return converted(raw, task)[1].model_parameters.build_parameters


def refusal(raw, task=MT):
    with pytest.raises(ConfigError) as caught:
        converted(raw, task)
    return str(caught.value)


@pytest.mark.parametrize("section", ["", "training", "data", "model", "output", "model_parameters"])
def test_bookkeeping_is_named_with_a_reason_wherever_it_stands_and_stops_nothing(section):
    said = dict.fromkeys(set(BOOKKEEPING) - {"$schema"}, 7)
    raw = {"model_type": "simple_cnn", **(said if not section else {section: said})}
    result, _ = converted(raw)
    left = {line.partition(" (")[0].rpartition(".")[2] for line in result.not_carried_over}
    assert left == set(said)
    plain, _ = converted({"model_type": "simple_cnn"})
    assert result.config == plain.config


@pytest.mark.parametrize(("said", "loading"), [(True, "streaming"), (False, "memory"), ("streaming", "streaming")])
def test_streaming_mode_is_loading(said, loading):
    _, config = converted({"model_type": "simple_cnn", "data": {"streaming_mode": said}}, CT)
    assert config.dataset_parameters.loading == loading
    result, _ = converted({"model_name": "simple_cnn", "streaming_mode": said})
    assert result.not_carried_over[0].startswith("streaming_mode (")


@pytest.mark.parametrize("key", ["data_dir", "data_path", "data_paths", "data_directory", "data_dirs"])
def test_folders_by_other_names(key):
    result, _ = converted({"model_name": "simple_cnn", "data": {key: "/d"}})
    assert result.config["data_directories"] == ["/d"]


@pytest.mark.parametrize("raw", [FOLDERS, {"data_paths": {"es": "/es_volumes", "cc": "/cc_volumes"}}])
def test_folders_of_each_channel(raw):
    _, config = converted({"model_type": "simple_cnn", **raw}, CT)
    assert (config.es_directories, config.cc_directories) == (("/es_volumes",), ("/cc_volumes",))
    _, config = converted({"model_type": "simple_cnn", **raw})
    assert config.data_directories == ("/es_volumes", "/cc_volumes")


@pytest.mark.parametrize(
    ("folders", "channel"),
    [
        (["/prod_es/es_images", "/prod_cc/cc_images"], "mixed"),
        (["/prod_cc/images"], "cc"),
        (["/prod_es/images"], "es"),
        (["/accepted/images"], "es"),  # which says nothing, so the default holds
    ],
)
def test_the_selection_of_directions_follows_the_folders(folders, channel):
    _, config = converted({"model_type": "three_plane_cnn", "data": {"data_directories": folders}}, ED)
    assert config.selection.channel == channel
    chosen = {"model_type": "three_plane_cnn", "data_directories": folders, "selection": {"channel": "es"}}
    assert converted(chosen, ED)[1].selection.channel == "es"


@pytest.mark.parametrize(
    ("raw", "task", "network"),
    [
        ({"model": {"name": "run_9", "n_filters": 8}}, MT, "simple_cnn"),
        ({"model_name": "run_9", "filter_list": [8, 8]}, CT, "deep_cnn"),
        ({"model_name": "run_9", "n_filters": 8}, CT, "simple_cnn"),
        ({"model_name": "ct_three_plane_9", "n_filters": 8}, CT, "three_plane_cnn"),
        ({"model_name": "run_9"}, CT, "simple_cnn"),
        ({"model_type": "three_plane_incremental"}, ED, "three_plane_cnn"),
        ({"model_name": "single_plane_9"}, ED, "single_plane_cnn"),
        ({"model_name": "run_9"}, ED, "three_plane_cnn"),
        ({"model_name": "ed_9", "data_path": "/x/volume_images"}, ED, "volume_cnn"),
        ({"model": {"name": "ed_9", "n_filters": 8, "input_shape": [208, 1242, 1]}}, ED, "three_plane_volume_cnn"),
        ({"model_name": "ed_9", "crop_height": 208, "crop_width": 800}, ED, "three_plane_volume_cnn"),
        ({"model_name": "ct_9", "es_dir": "/x/cluster_images", "cc_dir": "/y"}, CT, "cluster_cnn"),
    ],
)
def test_a_label_is_a_version_and_the_network_follows_from_the_rest(raw, task, network):
    result, config = converted(raw, task)
    assert config.model_name == network
    assert config.version == (raw.get("model_name") or raw.get("model_type") or raw["model"]["name"])
    [note] = [note for note in result.notes if "a label" in note]
    assert ("default of that time" in note) == (raw == {"model_name": "run_9"})


def test_a_misspelt_network_is_no_label():
    assert 'did you mean "simple_cnn"' in refusal({"model_name": "simple_cnnn"})


def test_unwritten_sizes_are_those_of_the_older_scripts():
    three = build({"model_type": "three_plane_cnn"}, ED)
    assert (three.n_conv_layers, three.n_filters, three.n_dense_units) == (3, 32, 256)
    assert (three.dropout_rate, three.use_batch_norm) == (0.3, True)
    track = build({"model": {"name": "simple_cnn"}, "training": {"epochs": 3}})
    assert (track.n_conv_layers, track.n_filters, track.n_dense_units, track.dropout_rate) == (4, 64, 256, 0.3)
    assert (track.conv_dropout_rate, track.learning_rate) == (0.15, 0.001)


def test_what_a_file_says_goes_before_what_older_scripts_did():
    three = build({"model_type": "three_plane_cnn", "model": {"n_filters": 8, "batch_norm": False}}, ED)
    assert (three.n_filters, three.use_batch_norm) == (8, False)
    assert build({"model": {"name": "simple_cnn", "n_filters": 8}}).n_conv_layers == 2
    today = {"task": ED, "model_name": "three_plane_cnn"}
    assert build(today, ED).n_filters == 64


def test_a_decay_was_over_ten_thousand_steps():
    raw = {"model_name": "simple_cnn", "model_parameters": {"build_parameters": {"decay_rate": 0.95}}}
    assert converted(raw)[1].model_parameters.optimizer.decay_steps == 10000
    assert converted({"task": MT, **raw})[1].model_parameters.optimizer.decay_steps is None
    raw["model_parameters"]["build_parameters"]["decay_rate"] = 1.0
    assert converted(raw)[1].model_parameters.optimizer.decay_steps is None


ANNEALED = {"lr_schedule": "cosine_annealing", "cosine_annealing_t0": 50, "cosine_annealing_tmult": 2, "epochs": 300}


def test_cosine_annealing_takes_the_place_of_plateaus():
    training = {**ANNEALED, "reduce_lr_patience": 8, "reduce_lr_min_lr": 1e-7}
    result, config = converted({"model_type": "three_plane_cnn", "training": training}, ED)
    annealing = config.model_parameters.optimizer.cosine_annealing
    assert (annealing.period, annealing.period_factor, annealing.min_lr) == (50, 50, 1e-7)  # the period was squared
    assert config.model_parameters.reduce_lr is None
    assert any("reduce_lr.patience" in line for line in result.not_carried_over)
    assert any("cosine_annealing_tmult" in note for note in result.notes)
    assert "two falls" in refusal({"model_type": "three_plane_cnn", "training": {**training, "epochs": 2551}}, ED)
    assert "lr_schedule" in refusal({"model_name": "simple_cnn", "training": {"lr_schedule": "one_cycle"}})


@pytest.mark.parametrize(
    "window",
    [
        {"crop_height": 128, "crop_width": 512},
        {"preprocessing": {"method": "center_crop", "target_shape": [128, 512, 1]}, "input_shape": [128, 512, 1]},
    ],
)
def test_a_window_is_an_input_mode(window):
    _, config = converted({"model_name": "run_9", "filter_list": [8, 8], **FOLDERS, **window}, CT)
    parameters = config.model_parameters
    assert (parameters.build_parameters.input_mode, parameters.build_parameters.crop_shape) == ("cropped", (128, 512))
    assert parameters.input_shape == (208, 1242, 1)
    assert parameters.build_parameters.use_batch_norm


def test_windows_that_have_no_counterpart():
    assert "belong together" in refusal({"model_name": "simple_cnn", "crop_height": 8}, CT)
    resized = {"method": "resize", "target_shape": [64, 8]}
    assert "preprocessing" in refusal({"model_name": "simple_cnn", "preprocessing": resized}, CT)
    assert "crop_width" in refusal({"model_name": "run_9", "crop_width": 8}, ED)
    clusters = {"es_dir": "/x/cluster_images", "cc_dir": "/y"}
    assert "out of volumes" in refusal({"model_name": "run_9", "crop_height": 8, "crop_width": 8, **clusters}, CT)


def test_directions_from_windows_of_volumes_are_those_of_the_older_script():
    raw = {"model_name": "ed_9", "data_path": "/x/volume_images", "crop_height": 208, "crop_width": 800, "epochs": 100}
    result, config = converted(raw, ED)
    parameters = config.model_parameters
    assert (parameters.build_parameters.input_mode, parameters.build_parameters.crop_shape) == ("cropped", (208, 800))
    assert (parameters.build_parameters.n_conv_layers, parameters.build_parameters.n_dense_layers) == (4, 1)
    assert parameters.input_shape == (208, 1242, 1)
    assert parameters.early_stopping.patience == 15
    assert config.selection.complete_match
    assert any("stacked the planes" in note for note in result.notes)
    assert any("make them again with make_images.sh --volumes" in note for note in result.notes)


@pytest.mark.parametrize(
    ("named", "network"), [("three_plane", "three_plane_volume_cnn"), ("single_plane", "volume_cnn")]
)
def test_a_network_on_clusters_is_that_on_volumes_where_the_file_is_of_such(named, network):
    raw = {"model": {"architecture": f"{named}_cnn"}, "data_path": "/x/volume_images"}
    result, config = converted(raw, ED)
    assert config.model_name == network
    assert any(f"took {network}" in note for note in result.notes)
    assert converted({"model_name": f"{named}_9", "data_path": "/x/volume_images"}, ED)[1].model_name == network


@pytest.mark.parametrize("section", ["", "training", "output"])
def test_networks_of_every_epoch_are_kept_where_they_were(section):
    said = {"save_every_epoch": True}
    raw = {"model_type": "simple_cnn", **({section: said} if section else said)}
    assert converted(raw)[1].save_outputs.every_epoch


@pytest.mark.parametrize("loss", ["focal", "focal_loss"])
def test_losses_by_both_names(loss):
    assert converted({"model_name": "simple_cnn", "loss": loss})[1].model_parameters.loss.name == "focal"


def test_other_words_for_the_same():
    raw = {
        "model_name": "three_plane_cnn",
        "model": {"batch_norm": True, "dense_dropout": 0.2, "spatial_dropout": 0.25},
    }
    three = build({**raw, "data": {"batch_size": 48}}, ED)
    assert (three.use_batch_norm, three.dropout_rate, three.spatial_dropout) == (True, 0.2, 0.25)
    assert converted({**raw, "data": {"batch_size": 48}}, ED)[1].model_parameters.batch_size == 48


@pytest.mark.parametrize("name", ["l2", "l2_reg", "l2_regularization"])
def test_squared_weights_are_held_down_as_they_were(name):
    assert build({"model_name": "three_plane_cnn", "model": {name: 1e-4}}, ED).l2_reg == 1e-4
    assert converted({"model_name": "simple_cnn", name: 1e-4})[1].model_parameters.build_parameters.l2_reg == 1e-4
    search = {"enabled": True, "max_trials": 2, "search_space": {name: [0.0, 1e-4]}}
    found = converted({"model_name": "simple_cnn", "hyperopt": search})[1].model_parameters
    assert found.space_options == {"l2_reg": [0.0, 1e-4]}


@pytest.mark.parametrize("label", ["channel_tagging_volume", "channel_tagging_cropped_volume", "channel_tagging"])
def test_labels_of_the_task(label):
    converted({"model_name": "simple_cnn", "task_label": label}, CT)
    assert "task_label" in refusal({"model_name": "simple_cnn", "task_label": label}, MT)


def test_volumes_of_older_code_are_found_by_their_names():
    assert converted({"model_type": "simple_cnn"}, CT)[1].dataset_parameters.batch_pattern == "*_plane{plane}.npz"
    own = {"task": CT, "model_name": "simple_cnn"}
    assert converted(own, CT)[1].dataset_parameters.batch_pattern is None


@pytest.mark.parametrize(
    ("raw", "task", "named"),
    [
        (
            {"model": {"architecture": "three_plane_energy"}, "data_path": "/x/volume_images"},
            ED,
            "does not read volumes",
        ),
        ({"model": {"architecture": "resnet"}, "es_dir": "/x/cluster_images", "cc_dir": "/y"}, CT, "/x/cluster_images"),
        ({"model_name": "three_plane_cnn", "augmentation": {"rotation_range": 15}}, ED, "augmentation"),
        ({"model_name": "simple_cnn", "hyperopt": {"enabled": True, "max_trials": 3}}, MT, "search_space"),
        ({"model_name": "simple_cnn", "val_samples": 3}, MT, "val_samples"),
        ({"model_name": "simple_cnn", "incremental": {"batches": 3}}, MT, "incremental.batches"),
        ({"model_name": "simple_cnn", "data_paths": {"es": "/e", "nc": "/n"}}, CT, "data_paths.nc"),
    ],
)
def test_what_cannot_be_carried_over_is_refused_by_name(raw, task, named):
    assert any(each in refusal(raw, task) for each in named.split("|"))


def test_augmentation_that_was_switched_off_stops_nothing():
    raw = {"model_name": "three_plane_cnn", "augmentation": {"enabled": False, "zoom_range": 0.1}}
    assert converted(raw, ED)[0].not_carried_over == ["augmentation (it is switched off)"]
