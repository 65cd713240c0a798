"""Training, predicting and evaluating a regressor of electron directions.

What draws and weights is imported where it does so: a prediction needs none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from electron_direction.samples import MatchedClusters
from electron_direction.schema import DirectionConfig
from electron_direction.yardsticks import limit_metrics, principal_axis_results
from python.config.task_schema import Architecture
from python.data.point_sums import point_sums
from python.data.sparse_images import NetworkInputs
from python.data.triples import electron_directions
from python.detector.drift_frame import to_detector_frame, to_drift_frame
from python.detector.geometry import PLANES, TICK_CM
from python.directions.answer import Answer
from python.directions.densities import Densities, judged
from python.directions.electron_energy import EnergyEstimate, resolution
from python.directions.find import losses
from python.directions.lobes import Lobes
from python.directions.recalibration import Recalibration
from python.directions.sphere import ONE_SIGMA
from python.general_purpose_libs import DataError, log
from python.metrics.coverage import DensityResults, density_metrics
from python.metrics.directions import DirectionResults, direction_metrics, uncertainty_metrics
from python.plots.text_lines import metrics_table
from python.runs.predictions import Clusters, DirectionPredictions
from python.samples.direction_augmentation import EnergyScale, MixUp, PixelNoise, RandomSymmetries, in_turn
from python.samples.symmetries import group, transform_inputs
from python.training.task import Evaluation, Samples, View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("containment_68_deg", "median_deg", "head_tail_accuracy", "axis_68_deg")
FLUX = "gkvm"  # whose spectrum of elastic scattering the results are weighted to
ENERGY = "electron_energy"  # of a calibration
AS_SAID, CALIBRATED = "as the network says", "calibrated"
LOWEST_ENERGY_SHOWN_MEV = 5.0  # of best and worst events: fainter electrons have no visible direction


class DirectionRegression:
    """The direction of the electron in the drift frame; the loss decides what else the network says of it."""

    def __init__(self, config: DirectionConfig, architecture: Architecture) -> None:
        self.config = config
        self.images = architecture.images
        self.reads_points = "points" in architecture.inputs(config.model_parameters.build_parameters)
        self.answer = losses()[config.model_parameters.loss.name].answer
        self.read_as = self.answer.of_several() if config.ensemble else self.answer

    def outputs(self) -> Answer:
        return self.answer

    def check_training_labels(self, labels: np.ndarray) -> None:
        if len(labels) == 0:
            raise DataError("the training part is empty; give more data or raise train_fraction")

    def undefined(self, _labels: np.ndarray) -> dict[str, str]:
        return {}

    def targets(self, samples: Samples[MatchedClusters]) -> np.ndarray:
        """Direction, kinetic energy of the electron in MeV, and whether it is elastic scattering, (N, 5) float32."""
        table = samples.set.metadata
        channel = np.where(table["is_es_interaction"] < 0, np.nan, table["is_es_interaction"])
        direction = electron_directions(table, drift_frame=self.config.dataset_parameters.frame == "drift")
        return np.column_stack([direction, table["true_electron_energy"], channel]).astype(np.float32)

    def augmentation(self) -> Any:
        parameters = self.config.dataset_parameters
        chosen = parameters.augmentation
        steps: list = []
        if chosen.symmetries:
            steps.append(RandomSymmetries(chosen.symmetries, parameters.prob_per_flip, self.images))
        if chosen.energy_scale:
            steps.append(EnergyScale(chosen.energy_scale))
        if chosen.mix_up:
            steps.append(MixUp(chosen.mix_up))
        if chosen.noise_adc:
            steps.append(PixelNoise(chosen.noise_adc, TICK_CM))
        return in_turn(steps)

    def loss(self) -> Any:
        from python.directions.training import direction_loss

        parameters = self.config.model_parameters.loss
        return direction_loss(parameters.name, parameters)

    def metrics(self) -> list:
        from python.directions.training import MeanAngle

        return [MeanAngle(self.answer.name)]

    def views(self) -> list[View]:
        def view(signs: np.ndarray) -> View:
            def turned(values: np.ndarray) -> np.ndarray:
                return np.tile(signs, (len(values), 1))

            def shown(inputs: NetworkInputs) -> NetworkInputs:
                if not isinstance(inputs, dict):
                    raise TypeError("a direction network takes its inputs by name")
                return transform_inputs(inputs, turned(next(iter(inputs.values()))), self.images)

            return View(shown, lambda outputs: self.answer.turned(outputs, turned(outputs)))

        return [view(signs) for signs in group(self.config.prediction.average_over)]

    def predictions(
        self, outputs: np.ndarray, samples: Samples[MatchedClusters], rows: np.ndarray
    ) -> DirectionPredictions:
        table, clouds = samples.set.metadata[rows], samples.set.clouds
        combined = self.answer.combined(outputs)
        found = self.read_as.estimates(combined)
        drift, detector = found.direction, found.direction
        if self.config.dataset_parameters.frame != "drift":
            drift = to_drift_frame(detector, table["face"])
        else:
            detector = to_detector_frame(drift, table["face"])
        return DirectionPredictions(
            Clusters.of(samples.set.metadata, samples.set.sources, rows),
            direction=detector,
            true_direction=electron_directions(table, drift_frame=False),
            direction_drift_frame=drift,
            true_direction_drift_frame=electron_directions(table),
            is_es=table["is_es_interaction"].astype(np.int64),  # -1 where it is not known, which trains as CC
            outputs=combined.astype(np.float32),
            output_layout=self.answer.name,
            predicted_68_deg=found.predicted_68_deg,
            kappa=found.kappa,
            head_probability=found.head_probability,
            point_sums=point_sums(clouds.take(rows)) if clouds is not None and self.reads_points else None,
            spread_deg=self.answer.spread(outputs, found.direction),
            beside=self.answer.beside(combined),
        )

    def calibration(self, predictions: DirectionPredictions) -> dict[str, Any] | None:
        clusters = predictions.clusters
        found: dict[str, Any] = {}
        try:
            if self.read_as.tells_uncertainty:
                told, truth = self._lobes(predictions), predictions.true_direction_drift_frame
                fitted = Recalibration.fit(told, clusters.cluster_energy, truth, predictions.spread_deg)
                found |= fitted.described()
            if predictions.point_sums is not None:
                estimate = EnergyEstimate.fit(predictions.point_sums, clusters.true_electron_energy)
                found[ENERGY] = estimate.described()
        except DataError as error:
            log.warning("answers are not calibrated: %s", error)
            return None
        return {"answer": self.answer.name, **found} if found else None

    def calibrated(self, predictions: DirectionPredictions, calibration: Mapping[str, Any]) -> DirectionPredictions:
        if calibration.get("answer") != self.answer.name:
            raise ValueError(f"is for the answer {calibration.get('answer')!r}, the network gives {self.answer.name!r}")
        if ENERGY in calibration:
            if predictions.point_sums is None:
                raise ValueError("estimates energies from points, which the network does not read")
            estimate = EnergyEstimate.of(calibration[ENERGY]).energy(predictions.point_sums)
            predictions = replace(predictions, electron_energy=estimate)
        if not self.read_as.tells_uncertainty:
            return predictions
        energy, spread_deg = predictions.clusters.cluster_energy, predictions.spread_deg
        lobes = Recalibration.of(calibration).lobes(self._lobes(predictions), energy, spread_deg)
        axis = predictions.direction_drift_frame
        return replace(
            predictions,
            calibrated_eta_drift_frame=lobes.eta.astype(np.float32),
            calibrated_probability=lobes.probability.astype(np.float32),
            calibrated_68_deg=lobes.angle_about(axis, ONE_SIGMA),
            calibrated_head_probability=lobes.share_ahead(axis),
        )

    def _lobes(self, predictions: DirectionPredictions) -> Lobes:
        """What the network says of the directions, not corrected, in the drift frame."""
        lobes = self.read_as.lobes(predictions.outputs.astype(np.float64))
        if self.config.dataset_parameters.frame == "drift":
            return lobes
        face = predictions.clusters.face
        if face is None:
            raise ValueError("the sides of the wire planes (face) are not known")
        return Lobes(to_drift_frame(lobes.eta, face[:, None]), lobes.probability)

    def judged(self, predictions: DirectionPredictions, seed: int = 0) -> dict[str, DensityResults]:
        """How what is said of the directions fares with the truth: as the network says it, and calibrated, as far as there is
        either."""
        energy, found = predictions.clusters.cluster_energy, {}
        if self.read_as.tells_uncertainty:
            in_drift = self.config.dataset_parameters.frame == "drift"
            truth = predictions.true_direction_drift_frame if in_drift else predictions.true_direction
            told = Densities(self.read_as, predictions.outputs.astype(np.float64))
            found[AS_SAID] = judged(told, truth, energy, seed)
        eta, probability = predictions.calibrated_eta_drift_frame, predictions.calibrated_probability
        if eta is not None and probability is not None:
            lobes = Lobes(eta.astype(np.float64), probability.astype(np.float64))
            found[CALIBRATED] = judged(lobes, predictions.true_direction_drift_frame, energy, seed)
        return found

    def figures_of_merit(self, predictions: DirectionPredictions, seed: int = 0) -> dict[str, Any]:
        return self._metrics(predictions, self.judged(predictions, seed), seed)

    def _metrics(
        self, predictions: DirectionPredictions, found: Mapping[str, DensityResults], seed: int
    ) -> dict[str, Any]:
        """Those of the directions and of their densities; of calibrated ones with a name that ends so."""
        metrics = direction_metrics(predictions.results(), seed)
        if AS_SAID in found:
            metrics |= density_metrics(found[AS_SAID])
        if CALIBRATED in found:
            results = predictions.results(calibrated=True)
            calibrated = {**uncertainty_metrics(results, seed), **density_metrics(found[CALIBRATED])}
            metrics |= {_with_ending(name, CALIBRATED): value for name, value in calibrated.items()}
        if predictions.electron_energy is not None and len(predictions):
            found_energy = resolution(predictions.electron_energy, predictions.clusters.true_electron_energy)
            metrics |= {f"{ENERGY}_{name}": value for name, value in found_energy._asdict().items()}
        return metrics

    def evaluate(
        self, evaluation: Evaluation[MatchedClusters, DirectionPredictions]
    ) -> tuple[dict[str, Any], list[list[str]], dict[str, Figure]]:
        from python.metrics.spectrum_weights import elastic_scattering_spectrum, spectrum_weights

        triples, rows, seed = evaluation.samples.set, evaluation.test_rows, evaluation.seed
        results = evaluation.predictions.results()
        supernova = results.weighted_by(spectrum_weights(results.true_energy, elastic_scattering_spectrum(FLUX)))
        found = self.judged(evaluation.predictions, seed)
        metrics = self._metrics(evaluation.predictions, found, seed)
        table = {"network": metrics}
        of_supernova = direction_metrics(supernova, seed)
        metrics = {**metrics, **{f"{FLUX}_{name}": value for name, value in of_supernova.items()}}
        table.update(_above_energies("network", of_supernova))
        if triples.clouds is not None:
            for name, axis in principal_axis_results(triples.clouds, rows, supernova).items():
                table.update(_above_energies(f"principal axis, {name}", direction_metrics(axis, seed)))
        for energy in (5, 10):
            limit = limit_metrics(supernova.true_energy, supernova.weight, energy)
            table[f"intrinsic limit, head known, {FLUX} > {energy} MeV"] = limit
            metrics[f"{FLUX}_limit_68_deg_above_{energy}_mev"] = limit["containment_68_deg"]
        figures = {**self._figures(evaluation, results), **self._sureness_figures(evaluation, found)}
        return metrics, metrics_table(table, COLUMNS), figures

    def _figures(
        self, evaluation: Evaluation[MatchedClusters, DirectionPredictions], results: DirectionResults
    ) -> dict[str, Figure]:
        from python.plots import directions as plots
        from python.plots import directions_by_energy as by_energy
        from python.plots.direction_error import plot_error_map, plot_error_over_energy
        from python.plots.direction_maps import plot_direction_maps
        from python.plots.event_displays import plot_best_and_worst_events

        seed, rows = evaluation.seed, evaluation.test_rows
        triples = evaluation.samples.set

        def images_of(indices: np.ndarray) -> dict[str, np.ndarray]:
            return {name.lower(): triples.pictures(rows[indices], plane) for plane, name in enumerate(PLANES)}

        figures = {
            "angle_distribution": plots.plot_angle_distribution(results, seed),
            "cosine_distribution": plots.plot_cosine_distribution(results, seed),
            "containment_vs_energy": by_energy.plot_containment_vs_energy(results, seed),
            "head_tail_vs_energy": by_energy.plot_head_tail_vs_energy(results, seed),
            "against_drift_angle": by_energy.plot_against_drift_angle(results, seed),
            "error_map": plot_error_map(results),
            "error_over_energy": plot_error_over_energy(results),
            "components": plots.plot_components(results),
            "direction_maps": plot_direction_maps(results),
        }
        if self.config.dataset_parameters.frame == "drift":  # images of other frames do not show where a vector points
            figures["best_and_worst"] = plot_best_and_worst_events(images_of, results, LOWEST_ENERGY_SHOWN_MEV)
        return figures

    def _sureness_figures(
        self, evaluation: Evaluation[MatchedClusters, DirectionPredictions], found: Mapping[str, DensityResults]
    ) -> dict[str, Figure]:
        from python.plots.direction_coverage import plot_coverage, plot_levels
        from python.plots.directions import plot_uncertainty_calibration

        if not found:
            return {}
        predictions, seed = evaluation.predictions, evaluation.seed
        figures = {"uncertainty_calibration": plot_uncertainty_calibration(predictions.results(), seed)}
        if CALIBRATED in found:
            results = predictions.results(calibrated=True)
            figures["uncertainty_calibrated"] = plot_uncertainty_calibration(results, seed, calibrated=True)
        return {**figures, "coverage": plot_coverage(found), "levels": plot_levels(found)}

    def sample_figures(self, samples: Samples[MatchedClusters], number: int) -> tuple[dict[str, Figure], Figure]:
        """Draw the three planes of the first samples, each for itself and as one figure."""
        from python.plots.images import MAX_SAMPLES_ON_A_PAGE, plot_sample, plot_samples

        triples = samples.set
        singles, images, titles = {}, [], []
        for row in range(min(-(-number // len(PLANES)), len(triples))):
            entry = triples.metadata[row]
            for plane, name in enumerate(PLANES):
                images.append(triples.pictures(np.array([row]), plane)[0])
                titles.append(f"{name}, event {entry['event']}\n{entry['cluster_energy']:.1f} MeV")
                singles[f"sample_{row:03d}_{name}"] = plot_sample(images[-1], titles[-1])
        images, titles = images[:MAX_SAMPLES_ON_A_PAGE], titles[:MAX_SAMPLES_ON_A_PAGE]
        return singles, plot_samples(np.array(images), titles)

    def headlines(self) -> tuple[str, ...]:
        return ("containment_68_deg", "median_deg", "head_tail_accuracy", f"{FLUX}_containment_68_deg_above_5_mev")


def _with_ending(name: str, ending: str) -> str:
    """The name of a metric with an ending before that of its interval."""
    for bound in ("_low", "_high"):
        if name.endswith(bound):
            return f"{name.removesuffix(bound)}_{ending}{bound}"
    return f"{name}_{ending}"


def _above_energies(name: str, metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Rows of a table for a supernova's electrons above 5 and above 10 MeV."""
    rows = {}
    for energy in (5, 10):
        end = f"_above_{energy}_mev"
        rows[f"{name}, {FLUX} > {energy} MeV"] = {
            column + bound: metrics.get(column + end + bound) for column in COLUMNS for bound in ("", "_low", "_high")
        }
    return rows
