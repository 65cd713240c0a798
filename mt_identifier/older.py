"""What older configurations of the main-track identifier mean today."""

from python.config.legacy.draft import OlderKeys
from python.config.legacy.keys import IN_MEMORY

OLDER = OlderKeys(rules=IN_MEMORY, retired={("dataset_parameters", "loading"): "memory"})
