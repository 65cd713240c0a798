"""What every answer and every loss promises, over all that stand in the folder."""

import healpy
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python.directions.answer import UnitAnswer
from python.directions.find import answers, losses
from python.directions.sphere import unit
from python.samples.symmetries import group
from tests.directions.samples import rotated_by, unit_vectors

N = 24
ALL = pytest.mark.parametrize("answer", answers().values(), ids=lambda answer: answer.name)
EACH_LOSS = pytest.mark.parametrize("loss", losses().values(), ids=lambda loss: loss.name)
TELLING = pytest.mark.parametrize(
    "answer", [each.of_several() for each in answers().values()], ids=lambda answer: answer.name
)
LIKELIHOODS = ("von_mises_fisher", "mixture", "two_lobes")  # losses that are the negative log of a density


def sphere(answer):
    """Unit vectors (m, 3) of equal areas, and such an area in steradians; small where the answer has a peak of half a degree."""
    nside = 256 if "log_sigma" in answer.columns else 64
    pixels = healpy.nside2npix(nside)
    return np.stack(healpy.pix2vec(nside, np.arange(pixels)), axis=1), 4 * np.pi / pixels


def outputs(answer, n=N, seed=1, size=3.0):
    """Outputs (n, C) as a network might give them, combined from two views that nearly agree."""
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(n, len(answer.columns))) * size
    for start in answer.vectors:
        if isinstance(answer, UnitAnswer) or "log_sigma" in answer.columns:
            one[:, start : start + 3] = unit_vectors(n, seed)
    if "log_sigma" in answer.columns:
        one[:, answer.columns.index("log_sigma")] = rng.uniform(-1.2, -0.4, n)
    other = one + 0.05 * rng.normal(size=one.shape)
    if isinstance(answer, UnitAnswer):
        other[:, :3] = rotated_by(one[:, :3], rng.uniform(10, 60, n))
    return answer.combined(np.stack([one, other]))


@ALL
def test_an_answer_names_its_columns(answer):
    assert len(set(answer.columns)) == len(answer.columns)
    assert answer.vectors[0] == 0
    assert all(start + 3 <= len(answer.columns) for start in answer.vectors)


@EACH_LOSS
def test_a_loss_trains_what_its_answer_heads(loss):
    """A step of training from features to the loss, with the defaults of the configuration."""
    keras.utils.set_random_seed(2)
    features = keras.Input((8,))
    model = keras.Model(features, loss.answer.head(features))
    assert model.output.shape == (None, len(loss.answer.columns))
    arguments = loss.parameters().model_dump(exclude={"name"})
    model.compile(optimizer="sgd", loss=lambda truth, answer: loss.function(truth, answer, **arguments))
    truth = np.column_stack([unit_vectors(N), np.full(N, 20.0), np.ones(N)]).astype(np.float32)
    assert np.isfinite(model.train_on_batch(np.random.default_rng(1).normal(size=(N, 8)), truth))


@ALL
def test_estimates_are_unit_vectors_with_angles_up_to_180(answer):
    found = answer.estimates(outputs(answer))
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1)
    assert (found.predicted_68_deg is not None) == answer.tells_uncertainty
    if answer.tells_uncertainty:
        assert np.all((found.predicted_68_deg > 0) & (found.predicted_68_deg <= 180))


@ALL
def test_the_likeliest_vector_of_a_training_is_that_of_the_estimate(answer):
    several = outputs(answer)
    vector = keras.ops.convert_to_numpy(answer.likeliest(keras.ops.convert_to_tensor(several)))
    direction = answer.estimates(several).direction
    np.testing.assert_allclose(vector / np.linalg.norm(vector, axis=1, keepdims=True), direction, atol=1e-6)


@ALL
@pytest.mark.parametrize("signs", group(("rotation", "mirror_x", "mirror_y")).tolist())
def test_a_symmetry_turns_the_estimate_and_nothing_else(answer, signs):
    several, signs = outputs(answer), np.tile(signs, (N, 1))
    before, after = answer.estimates(several), answer.estimates(answer.turned(several, signs))
    np.testing.assert_allclose(after.direction, before.direction * signs)
    np.testing.assert_array_equal(answer.turned(answer.turned(several, signs), signs), several)
    if before.predicted_68_deg is not None:  # of two lobes by places on the sphere, which the turning moves a little
        np.testing.assert_allclose(after.predicted_68_deg, before.predicted_68_deg, rtol=0.03)
    assert answer.beside(several).keys() == answer.beside(answer.turned(several, signs)).keys()


@ALL
def test_the_spread_is_the_mean_angle_to_the_combined_direction(answer):
    """Of what answers alike but for the direction, turned to either side; which lobe, or end, is likelier does not matter."""
    one = np.zeros((N, len(answer.columns)))
    direction = unit_vectors(N)
    one[:, :3] = direction
    for start in answer.vectors[1:]:
        one[:, start : start + 3] = -direction
    views = np.stack([one] * 4)
    views[0, :, :3], views[1, :, :3] = rotated_by(direction, 10.0), rotated_by(direction, -30.0)
    if answer.both_ends:
        views[1:3, :, :3] *= -1
    np.testing.assert_allclose(answer.spread(views, direction), 10, atol=1e-5)
    np.testing.assert_allclose(answer.spread(views[2:], direction), 0, atol=1e-5)
    opposite = np.stack([one, -one])
    expected = 0 if answer.both_ends or len(answer.vectors) > 1 else 90
    np.testing.assert_allclose(answer.spread(opposite, direction), expected, atol=1e-5)
    assert answer.spread(views[:1], direction) is None


# ---------------------------------------------------------------------------- densities
@TELLING
def test_densities_hold_one_on_the_whole_sphere(answer):
    at, area = sphere(answer)
    density = np.exp(answer.log_density(outputs(answer, n=8), at))
    np.testing.assert_allclose(density.sum(axis=1) * area, 1, atol=0.01 if "log_sigma" in answer.columns else 1e-3)


@TELLING
def test_the_predicted_angle_holds_its_share_of_the_density(answer):
    at, area = sphere(answer)
    several = outputs(answer, n=8)
    found = answer.estimates(several)
    within = found.direction @ at.T >= np.cos(np.radians(found.predicted_68_deg))[:, None]
    held = np.sum(np.exp(answer.log_density(several, at)) * within, axis=1) * area
    np.testing.assert_allclose(held, 0.6827, atol=0.03)


@TELLING
def test_the_density_is_highest_where_the_answer_points(answer):
    at, _ = sphere(answer)
    several = outputs(answer, n=8, size=8.0)
    peak = at[np.argmax(answer.log_density(several, at), axis=1)]
    one_lobe = len(answer.vectors) == 1
    cosine = np.sum(peak * answer.estimates(several).direction, axis=1)
    assert np.mean(cosine > np.cos(np.radians(3))) >= (
        1.0 if one_lobe else 0.7
    )  # a narrow lobe may rise above a likely one


@TELLING
def test_lobes_have_the_mean_of_the_density_and_the_likeliest_points_where_the_estimate_does(answer):
    at, area = sphere(answer)
    several = outputs(answer, n=8)
    lobes = answer.lobes(several)
    np.testing.assert_allclose(lobes.probability.sum(axis=1), 1)
    mean = np.exp(answer.log_density(several, at)) @ at * area
    np.testing.assert_allclose(np.exp(lobes.log_density(at)) @ at * area, mean, atol=0.02)
    likeliest = unit(np.stack([lobes.of_likeliest(lobes.eta[..., axis]) for axis in range(3)], axis=1))
    np.testing.assert_allclose(likeliest, answer.estimates(several).direction, atol=1e-9)


@TELLING
def test_places_may_differ_from_event_to_event(answer):
    several, at = outputs(answer), np.stack([unit_vectors(5, seed) for seed in range(N)])
    found = answer.log_density(several, at)
    expected = [answer.log_density(several[[row]], at[row])[0] for row in range(N)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_densities_are_those_that_the_losses_learn(name):
    loss, truth = losses()[name], unit_vectors(N, 9)
    several = outputs(loss.answer)
    expected = -loss.answer.log_density(several, truth[:, None])[:, 0]
    found = keras.ops.convert_to_numpy(loss.function(truth.astype(np.float32), several.astype(np.float32)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e-9, 1.0, 1e3, 1e7]))
@settings(max_examples=30, deadline=None)
def test_densities_are_finite_for_any_output(seed, size):
    for answer in answers().values():
        if answer.tells_uncertainty:
            rows = np.random.default_rng(seed).normal(size=(5, len(answer.columns))) * size
            if "log_sigma" in answer.columns:
                rows[:, 3] = np.clip(rows[:, 3], -20, 20)
            at = np.concatenate([unit_vectors(4, seed), answer.estimates(rows).direction])
            assert np.all(np.isfinite(answer.log_density(rows, at)))


def test_one_unit_vector_has_no_density_and_several_have():
    for name in ("direction", "multi_task"):
        answer, at = answers()[name], unit_vectors(3)
        with pytest.raises(ValueError, match="ask an ensemble"):
            answer.log_density(outputs(answer), at)
        assert not answer.tells_uncertainty
        assert answer.of_several().log_density(outputs(answer), at).shape == (N, 3)
