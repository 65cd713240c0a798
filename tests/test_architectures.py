"""What every network promises, over all that the tasks' models folders hold."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt

from python.commands.tasks import load_schema, load_task
from python.config.load import dump_config, parse_config
from python.config.schema import BuildParameters
from python.config.task_schema import Input
from python.general_purpose_libs import ConfigError, write_json
from python.networks.saved import save_network
from python.tasks import TASKS
from python.training.export import export_network
from python.training.fitting import build_model
from python.training.network_of_run import network_of_run

NETWORKS = [
    pytest.param(task, name, id=f"{task}-{name}")
    for task in TASKS
    for name, architecture in load_schema(task).architectures.items()
    if not architecture.meant_for_search  # such a one is a plain network under another name, as its schema checks
]
EACH = pytest.mark.parametrize(("task", "name"), NETWORKS)
OF_THE_TRAINING = set(BuildParameters.model_fields)
N = 3
LOAD = """
import sys
import keras, numpy as np
from python.networks.saved import load_network
with np.load(sys.argv[1]) as batches:
    for path in sys.argv[2:]:
        model = load_network(path)
        names = [name for name in batches.files if name.startswith(path + "/")]
        batch = {name.rpartition("/")[2]: batches[name] for name in names}
        outputs = model.predict_on_batch(batch.get("the only one", batch))
        np.save(path + ".npy", outputs)
"""


def configuration(task, name, loss=None, **build):
    model = {"build_parameters": build, **({"loss": {"name": loss}} if loss else {})}
    raw = {"task": task, "model_name": name, "model_parameters": model}
    return parse_config(raw, load_schema(task), "test")


@functools.cache
def trainable(task, name):
    """The network with the default configuration, as a training begins with it; no test trains it."""
    return build_model(load_task(task), configuration(task, name))


def architecture(task, name):
    return load_schema(task).architectures[name]


def batch_of(model, seed=1):
    """What the network may be given for N events: few pixels and points with charge, numbers of usual size."""
    rng = np.random.default_rng(seed)

    def drawn(tensor):
        values = rng.normal(size=(N, *tensor.shape[1:]))
        if len(tensor.shape) == 4:
            values = np.where(values > 2, 500 * values, 0)
        if tensor.name == Input.POINTS:
            values = np.abs(values)
        return values.astype("float32")

    batch = {tensor.name: drawn(tensor) for tensor in model.inputs}
    return batch if takes_several(model) else batch.popitem()[1]


def takes_several(model):
    """Whether the network takes inputs by name, and not one image."""
    return not isinstance(model, keras.Sequential) and isinstance(model.input, dict)


def columns_of(task, config):
    """How many numbers the network of a configuration is to give for each event."""
    outputs = load_task(task).problem_of(config).outputs()
    if isinstance(outputs, tuple):  # the names of classes; of two, the probability of one says all
        return 1 if len(outputs) == 2 else len(outputs)
    return len(outputs.columns)


def targets_of(task, config):
    outputs = load_task(task).problem_of(config).outputs()
    rng = np.random.default_rng(2)
    if isinstance(outputs, tuple):
        numbers = rng.integers(len(outputs), size=N)
        return (
            numbers[:, None].astype("float32") if len(outputs) == 2 else np.eye(len(outputs), dtype="float32")[numbers]
        )
    direction = rng.normal(size=(N, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.column_stack([direction, rng.uniform(5, 50, N), np.ones(N)]).astype("float32")


def test_no_folder_is_empty():
    assert {param.values[0] for param in NETWORKS} == set(TASKS)


@EACH
def test_it_takes_what_it_declares(task, name):
    declared, model = architecture(task, name), trainable(task, name)
    inputs = declared.inputs(declared.parameters())
    if takes_several(model):
        assert set(model.input) == set(inputs)
    else:
        assert inputs == (Input.IMAGE,)


@EACH
def test_it_answers_in_the_declared_shape(task, name):
    model = trainable(task, name)
    answered = model.predict_on_batch(batch_of(model))
    assert answered.shape == (N, columns_of(task, configuration(task, name)))
    assert answered.dtype == np.float32
    assert np.isfinite(answered).all()


@EACH
def test_a_step_of_training_has_a_finite_loss_and_leaves_finite_weights(task, name):
    config = configuration(task, name, **smallest(task, name))
    model = build_model(load_task(task), config)
    model.run_eagerly = True
    figures = model.train_on_batch(batch_of(model), targets_of(task, config), return_dict=True)
    assert np.isfinite(figures["loss"])
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@EACH
def test_squared_weights_are_added_to_the_loss_where_they_are_to_be_held_down(task, name):
    held = build_model(load_task(task), configuration(task, name, **{**smallest(task, name), "l2_reg": 0.01}))
    others = ("bias", "gamma", "beta", "moving_mean", "moving_variance", "places", "seed_generator_state")
    kernels = [weight.numpy() for weight in held.weights if weight.name not in others]
    squares = sum(np.square(weight).sum() for weight in kernels)
    assert all(weight.ndim > 1 for weight in kernels)
    assert float(sum(held.losses)) == pytest.approx(0.01 * squares, rel=1e-4)
    assert trainable(task, name).losses == []


@pytest.mark.parametrize(
    ("task", "name", "loss"),
    [
        pytest.param(*param.values, loss, id=f"{param.id}-{loss}")
        for param in NETWORKS
        for loss in architecture(*param.values).losses
    ],
)
def test_every_loss_that_it_offers_fits_its_answer(task, name, loss):
    config = configuration(task, name, loss)
    problem = load_task(task).problem_of(config)
    answers = np.full((N, columns_of(task, config)), 0.4, "float32")
    value = problem.loss()(targets_of(task, config), answers)
    assert np.isfinite(np.mean(value))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """`saved(task, name)`: the folder of a run with a small network, which is made once, a batch, and the answers to it."""
    home = tmp_path_factory.mktemp("saved")

    @functools.cache
    def saved(task, name):
        config = configuration(task, name, **small(task, name))
        model, run = build_model(load_task(task), config), home / task / name
        rng = np.random.default_rng(3)
        for weight in model.trainable_variables:  # so few units may all be silent at first
            if weight.name in ("bias", "beta"):
                weight.assign(rng.uniform(0.02, 0.2, weight.shape))
        run.mkdir(parents=True)
        save_network(model, run / f"{name}.keras", architecture(task, name).classes)
        write_json(run / "config.json", dump_config(config))
        batch = batch_of(model)
        return run, batch, model.predict_on_batch(batch)

    return saved


@EACH
def test_an_exported_network_answers_the_same(task, name, saved, monkeypatch):
    monkeypatch.setenv("TF2ONNX_CATCH_ERRORS", "false")  # no optimisation fails unseen, nor copies the network for that
    run, batch, expected = saved(task, name)
    declaration, config = load_task(task), configuration(task, name, **small(task, name))
    said = export_network(declaration, run, run / f"{name}.onnx")
    taken = architecture(task, name).inputs(config.model_parameters.build_parameters)
    assert [tensor.name for tensor in said.inputs] == sorted(taken)
    assert all(len(tensor.columns) == tensor.shape[-1] for tensor in (*said.inputs, said.output))
    exported = network_of_run(declaration, config, run, "onnx")
    answered = exported.predict_on_batch(batch)
    assert answered.dtype == np.float32
    named = batch if isinstance(batch, dict) else {said.inputs[0].name: batch}
    doubled = {key: values.astype(np.float64) for key, values in named.items()}  # Keras takes them as well
    np.testing.assert_array_equal(exported.predict_on_batch(doubled), answered)
    scale = 1.0 if architecture(task, name).classes else np.abs(expected).max()
    np.testing.assert_allclose(answered, expected, rtol=0, atol=1e-5 * scale)
    assert np.ptp(expected, axis=0).max() > 1e-5


def test_saved_networks_answer_the_same_in_a_fresh_process(saved, tmp_path):
    """All at once, since a process takes longer to start than to load them."""
    batches, expected = {}, {}
    for task, name in (param.values for param in NETWORKS):
        run, batch, answers = saved(task, name)
        path = run / f"{name}.keras"
        expected[path] = answers
        named = batch if isinstance(batch, dict) else {"the only one": batch}
        batches.update({f"{path}/{key}": values for key, values in named.items()})
    np.savez(tmp_path / "batches.npz", **batches)
    line = [sys.executable, "-c", LOAD, str(tmp_path / "batches.npz"), *map(str, expected)]
    assert subprocess.run(line, check=False).returncode == 0
    for path, outputs in expected.items():
        np.testing.assert_allclose(np.load(f"{path}.npy"), outputs, rtol=1e-5, atol=1e-6, err_msg=path.name)


def ends(field):
    """The lowest and the highest value that a field's declaration allows, None where it sets no bound that may be reached."""
    low = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    high = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    return low, high


def beyond(field):
    """Values that the declaration of a field forbids."""
    for each in field.metadata:
        if isinstance(each, Ge):
            yield each.ge - 1
        elif isinstance(each, Gt):
            yield each.gt
        elif isinstance(each, Le):
            yield each.le + 1
        elif isinstance(each, Lt):
            yield each.lt


@functools.cache
def smallest(task, name):
    """The lowest values of all parameters that go together, so that a network with one of them at its end is built quickly."""
    values = {}
    for key, field in architecture(task, name).parameters.model_fields.items():
        low = ends(field)[0]
        if low is not None and refusal(task, name, **values, **{key: low}) is None:
            values[key] = low
    return values


def small(task, name):
    """The smallest that tell events apart: of tokens of one unit, normalising would leave nothing.

    Of volumes a small window, since a mean of so many pixels is rounded otherwise by each runtime.
    """
    values = smallest(task, name)
    window = {"input_mode": "cropped", "crop_shape": (32, 64)}
    if "input_mode" in architecture(task, name).parameters.model_fields and not refusal(task, name, **values, **window):
        values = {**values, **window}
    return {**values, "attention_head_units": 8} if "attention_head_units" in values else values


def refusal(task, name, **build):
    """Why the configuration with these parameters is refused; None when it is not."""
    try:
        configuration(task, name, **build)
    except ConfigError as error:
        return str(error)
    return None


@EACH
def test_it_is_built_at_both_ends_of_each_range_or_refused_in_words(task, name):
    fields, base = architecture(task, name).parameters.model_fields, smallest(task, name)
    cases = [base] + [
        {**base, key: end}
        for key, field in fields.items()
        for end in ends(field)
        if end is not None and key not in OF_THE_TRAINING and base.get(key) != end
    ]
    built = 0
    for values in cases:
        if (reason := refusal(task, name, **values)) is not None:
            assert "must" in reason
            continue
        config = configuration(task, name, **values)
        outputs = load_task(task).problem_of(config).outputs()
        parameters = config.model_parameters
        with keras.StatelessScope():  # no memory for weights, of which there may be billions
            model = architecture(task, name).build(parameters.input_shape, outputs, parameters.build_parameters)
        assert model.count_params() > 0
        built += 1
    assert built > 1


@EACH
def test_what_lies_beyond_a_range_is_refused(task, name):
    fields = architecture(task, name).parameters.model_fields
    tried = [(key, value) for key, field in fields.items() for value in beyond(field)]
    assert tried
    for key, value in tried:
        with pytest.raises(ConfigError, match=rf"build_parameters\.{key}: must be .* not {value}"):
            configuration(task, name, **{key: value})


@pytest.mark.parametrize("task", TASKS)
def test_declarations_load_no_keras(task):
    code = f"import sys, {task}.schema; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
