"""How well the texts of a page can be read: contrast by the formula of WCAG 2, from computed colours."""

from __future__ import annotations

from typing import Any

_SCRIPT = """root => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const read = colour => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below, share) =>
    top.slice(0, 3).map((each, at) => each * share + below[at] * (1 - share));
  const chain = each => each ? [...chain(each.parentElement), each] : [];
  const light = rgb => rgb.map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const ratio = element => {
    let ground = [255, 255, 255], share = 1;
    for (const each of chain(element)) {
      const style = getComputedStyle(each), colour = read(style.backgroundColor);
      share *= +style.opacity;
      ground = over(colour, ground, colour[3] * share);
    }
    const ink = read(getComputedStyle(element).color);
    const [low, high] = [light(over(ink, ground, ink[3] * share)), light(ground)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, words = walker.currentNode.data.trim();
    if (words && element.checkVisibility({checkOpacity: false, checkVisibilityCSS: true})
        && !['STYLE', 'SCRIPT', 'OPTION'].includes(element.tagName) && !element.closest(':disabled'))
      found.push([words.slice(0, 60), ratio(element)]);
  }
  for (const each of root.querySelectorAll('input, textarea, select'))
    if (each.checkVisibility() && !each.disabled) found.push([each.value || each.tagName, ratio(each)]);
  return found;
}"""


def contrasts(root: Any) -> list[tuple[str, float]]:
    """(text, contrast) of every text that is shown, except on what is switched off."""
    return [(words, ratio) for words, ratio in root.evaluate(_SCRIPT)]


def faint(root: Any, least: float = 4.5) -> list[tuple[str, float]]:
    """The texts that are too faint."""
    found = contrasts(root)
    assert len(found) > 5, found
    return [(words, round(ratio, 2)) for words, ratio in found if ratio < least]
