"""The main-track identifier: is a cluster the main electron track of its event?"""

from __future__ import annotations

from mt_identifier.identifying import TrackIdentification
from mt_identifier.samples import labels, prepare, read
from mt_identifier.schema import SCHEMA
from python.data.point_clouds import POINT_UNITS
from python.training.task import Task

TASK = Task(
    schema=SCHEMA,
    read=read,
    prepare=prepare,
    problem=TrackIdentification,
    labels=labels,
    points=POINT_UNITS,
)
