"""From what networks say of single electrons to the direction of the star."""
