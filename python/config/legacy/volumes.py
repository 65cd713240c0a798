"""Volumes in older configurations: how files tell that they are of such, and what they see of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from python.config.legacy.draft import Draft
from python.config.legacy.rules import BUILD, MODEL_PARAMETERS
from python.config.problems import shown

SHAPE = f"{MODEL_PARAMETERS}.input_shape"
VOLUME = [208, 1242, 1]
FOLDERS = ("es_directories", "cc_directories", "data_directories")
DIVIDED = "older scripts divided each image by its largest value; here the charge keeps its scale"


def folder_of(values: Mapping[str, Any], mark: str) -> str | None:
    """The first folder with data whose name has this mark, None where there is none."""
    named = (values.get(target) for target in FOLDERS)
    folders = [folder for each in named if isinstance(each, list) for folder in each]
    return next((folder for folder in folders if isinstance(folder, str) and mark in folder), None)


def window(draft: Draft, values: dict[str, Any]) -> None:
    """A window cut out of the volumes, by its sides or as a step before the network."""
    sides = draft.take("crop_height", "crop_width")
    before = draft.take("preprocessing").get("preprocessing")
    if sides and len(sides) < 2:
        draft.fail(next(iter(sides)), "crop_height and crop_width belong together")
    elif sides:
        _crop(draft, values, [sides["crop_height"], sides["crop_width"]])
    elif (
        isinstance(before, dict) and before.get("method") == "center_crop" and set(before) == {"method", "target_shape"}
    ):
        shape = before["target_shape"]
        _crop(draft, values, shape[:2] if isinstance(shape, list) else shape)
    elif before is not None:
        draft.fail("preprocessing", f"{shown(before)} has no counterpart; center_crop to a target_shape has")


def _crop(draft: Draft, values: dict[str, Any], sides: Any) -> None:
    values |= {f"{BUILD}.input_mode": "cropped", f"{BUILD}.crop_shape": sides}
    if values.get(SHAPE, VOLUME) != VOLUME:
        draft.notes.append(
            f"input_shape is that of the volumes, {VOLUME}, of which crop_shape {sides} is seen; the file's was the window's"
        )
    values[SHAPE] = VOLUME
