"""The electron-direction regressor: where did the electron of a neutrino interaction fly?"""

from __future__ import annotations

from electron_direction.regression import DirectionRegression
from electron_direction.samples import prepare, read
from electron_direction.schema import SCHEMA
from python.training.task import Task

TASK = Task(schema=SCHEMA, read=read, prepare=prepare, problem=DirectionRegression)
