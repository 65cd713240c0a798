"""Is the network that a configuration asks for one that can be trained? Found out before a run is begun with it."""

from __future__ import annotations

import numpy as np

from python.config.schema import RunConfig
from python.general_purpose_libs import ConfigError, PointingError, log, reason_of
from python.training.device import lack_of_memory, lack_of_memory_told
from python.training.task import Task
from python.training.training import Training


@lack_of_memory_told()
def require_network(training: Training) -> None:
    """Build the network, ask it about the first two samples of the training, compare its answer with the truth, and forget it.

    Raises ConfigError where that does not go: the configuration may be wrong or, where the architecture is new, its declaration
    or its `build`; TrainingError where memory runs out. No run folder and no version are taken then.
    """
    import keras

    from python.training.fitting import build_model

    task, config, problem, samples = training.task, training.config, training.problem, training.samples
    rows = training.rows[:2]
    try:
        model = build_model(task, config)
        outputs = model(samples.set.network_inputs(rows), training=False)
        loss = problem.loss()(problem.targets(samples)[rows], outputs)
    except PointingError:
        raise
    except Exception as error:  # whatever a framework, or an architecture of the user's own, raises
        if lack_of_memory(error):
            raise
        log.debug("the network cannot be used", exc_info=True)
        raise ConfigError(_refusal(task, config, f"{reason_of(error)} ({type(error).__name__})")) from error
    finally:
        keras.utils.clear_session()  # the layers of the training get the names that they have without this
    if not np.all(np.isfinite(keras.ops.convert_to_numpy(loss))):
        raise ConfigError(_refusal(task, config, f"its loss is {np.mean(loss):g} before the training"))


def _refusal(task: Task, config: RunConfig, reason: str) -> str:
    return (
        f"model_parameters: the network {config.model_name} cannot be trained as it is described: {reason}; change "
        f"build_parameters or, where it is a network of your own, mend {task.schema.name}/models/{config.model_name}.py "
        "(-v shows where it fails)"
    )
