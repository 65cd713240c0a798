"""The simple CNN of three classes, its parameters left to a hyperparameter search."""

from __future__ import annotations

from dataclasses import replace

from mt_identifier.models import simple_cnn_multiclass

ARCHITECTURE = replace(simple_cnn_multiclass.ARCHITECTURE, searches="simple_cnn_multiclass")
