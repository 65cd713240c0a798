"""The training history: curves, best epoch, odd histories."""

import io

import numpy as np
import pytest

from python.plots.history import best_epoch, plot_training_history


def panels_by_label(figure):
    return {axes.get_ylabel(): axes for axes in figure.axes}


def test_losses_metrics_and_learning_rate_have_panels_and_the_best_epoch_is_marked():
    figure = plot_training_history(
        {
            "accuracy": [0.5, 0.7, 0.8],
            "learning_rate": [1e-3, 1e-3, 5e-4],
            "loss": [1.0, 0.5, 0.3],
            "val_accuracy": [0.5, 0.6, 0.6],
            "val_loss": [1.0, 0.6, 0.7],
        }
    )
    panels = panels_by_label(figure)
    assert list(panels) == ["loss", "accuracy", "learning rate"]
    training, validation, mark = panels["loss"].lines
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert validation.get_ydata().tolist() == [1.0, 0.6, 0.7]
    assert list(mark.get_xdata()) == [2, 2]
    assert mark.get_label() == "lowest val_loss: 0.6 in epoch 2"
    assert panels["learning rate"].lines[0].get_ydata().tolist() == [1e-3, 1e-3, 5e-4]


@pytest.mark.parametrize(
    ("history", "best"),
    [
        ({"loss": [0.5]}, 1),
        ({"loss": [0.1, 0.2], "val_loss": [0.4, 0.3]}, 2),
        ({"loss": [0.5, 0.4, float("nan")]}, 2),
        ({"loss": [None, float("inf"), 0.4]}, 3),
        ({"loss": [float("nan")]}, None),
        ({"loss": [0.2, 0.1], "val_loss": []}, None),
        ({}, None),
    ],
)
def test_short_and_broken_histories_are_drawn(history, best):
    assert best_epoch(history) == best
    plot_training_history(history).savefig(io.BytesIO(), format="png", dpi=40)


def test_a_loss_that_falls_by_orders_of_magnitude_is_drawn_logarithmically():
    history = {"loss": list(np.geomspace(10, 0.01, 20)), "accuracy": [0.5] * 20}
    panels = panels_by_label(plot_training_history(history))
    assert (panels["loss"].get_yscale(), panels["accuracy"].get_yscale()) == ("log", "linear")
