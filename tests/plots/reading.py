"""What tests of plots draw and read from them."""

import io


def draw(figure):
    figure.savefig(io.BytesIO(), format="png", dpi=40)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend_text(owner):
    """The words of the legend of axes, or of all legends of a figure."""
    legends = owner.legends if hasattr(owner, "legends") else [owner.get_legend()]
    return "\n".join(text.get_text() for legend in legends for text in legend.get_texts())
