"""An array of numbers as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .trouble import PictureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Pil

_TODO = {
    3: "Put the channels last (np.moveaxis(array, 0, -1)), or give one channel alone (array[..., 0]).",
    4: "Choose one picture of it, such as array[0].",
}


def from_array(value: Any) -> Pil:
    """The picture in anything numpy can read as (height, width), (height, width, 3) or (height, width, 4).

    uint8 is taken as it is, bool as black and white, floats as 0 to 1.

    Raises:
        PictureError: another shape or type, NaN, or floats outside 0 to 1.
    """
    import numpy as np
    from PIL import Image

    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PictureError(f"a {type(value).__name__} gave no array.", todo="Give a numpy array.") from error
    shape = array.shape
    if 0 in shape or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))):
        todo = _TODO.get(len(shape), "Give (height, width), (height, width, 3) or (height, width, 4).")
        raise PictureError(f"an array of shape {shape} is no picture.", todo=todo)
    return Image.fromarray(np.ascontiguousarray(_as_bytes(array)))


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    import numpy as np

    if array.dtype == np.uint8:
        return array
    if array.dtype != np.bool_ and not np.issubdtype(array.dtype, np.floating):
        todo = "Scale it to 0..255 and give array.astype(np.uint8)."
        raise PictureError(f"an array of {array.dtype} has no known range.", todo=todo)
    if not np.isfinite(array).all():
        todo = "Replace them, for example with np.nan_to_num(array)."
        raise PictureError("the array holds NaN or infinite values.", todo=todo)
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        todo = "Divide by 255 if that is its range, or np.clip(array, 0, 1)."
        raise PictureError(f"floats must lie in 0..1; these run from {low:g} to {high:g}.", todo=todo)
    scaled: NDArray[np.uint8] = (array.astype(np.float64) * 255 + 0.5).astype(np.uint8)
    return scaled
