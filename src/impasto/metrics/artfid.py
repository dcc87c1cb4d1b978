"""ArtFID: content and style in one number."""

from impasto.errors import OptionError


def art_fid(content: float, style: float) -> float:
    """(1 + content)(1 + style) of Wright and Ommer (2022), eq. 6: at least 1, and better the smaller.

    content: mean LPIPS between pictures and their contents. style: FID between pictures and the styles. The published
    numbers take AlexNet's LPIPS and an Inception that was trained on art; a name should say which ones were taken.
    Raises OptionError for distances below 0 and what is no number.
    """
    if not (content >= 0 and style >= 0):
        raise OptionError(f"distances are 0 or more, not {content:g} and {style:g}")
    return (1 + content) * (1 + style)
