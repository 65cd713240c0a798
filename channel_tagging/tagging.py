"""Training and evaluating a channel tagger."""

from __future__ import annotations

from python.data.augmentation import RandomFlips
from python.training.classification import Classification


class ChannelTagging(Classification):
    """Classification of volumes."""

    def augmentation(self) -> RandomFlips:
        parameters = self.config.dataset_parameters
        return RandomFlips(parameters.augmentation.flips, parameters.prob_per_flip, kind="volumes")
