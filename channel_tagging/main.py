"""The channel tagger: elastic scattering or a charged-current interaction?"""

from __future__ import annotations

from channel_tagging.samples import prepare, read
from channel_tagging.schema import SCHEMA
from channel_tagging.tagging import ChannelTagging
from channel_tagging.volume_numbers import UNITS
from python.data import neighbours
from python.data.point_events import takes_points_alone
from python.training.task import Task

TASK = Task(
    schema=SCHEMA,
    read=read,
    prepare=prepare,
    problem=ChannelTagging,
    numbers=lambda inputs: neighbours.UNITS if takes_points_alone(inputs) else UNITS,
)
