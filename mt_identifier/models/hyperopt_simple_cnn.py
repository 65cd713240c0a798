"""The simple CNN, its parameters left to a hyperparameter search."""

from __future__ import annotations

from dataclasses import replace

from mt_identifier.models import simple_cnn

ARCHITECTURE = replace(simple_cnn.ARCHITECTURE, searches="simple_cnn")
