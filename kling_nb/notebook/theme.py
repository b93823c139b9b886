"""How everything here looks: one sheet for light and dark, and the objects that widgets share.

Colours are JupyterLab's variables; where a front end has none, the greys fall back to shades of the text's
own colour, which are right on any background.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
from comm import DummyComm

from ..markup import escape, tag

_LINE = "var(--kling-line)"
_MUTED = "var(--kling-muted)"
_ACCENT = "var(--jp-brand-color1,#1976d2)"
_ERROR = "var(--jp-error-color1,#d32f2f)"
_WARN = "var(--jp-warn-color0,#b26a00)"

WORDS = f"""
.kling-card,.kling-form,.kling-gallery,.kling-studio {{
  --kling-line:var(--jp-border-color2,rgba(128,128,128,.35));
  --kling-muted:var(--jp-ui-font-color2,color-mix(in srgb,currentColor 65%,transparent)) }}
.kling-title {{ font-weight:600; font-size:14px }}
.kling-muted {{ color:{_MUTED}; overflow-wrap:anywhere }}
.kling-error {{ color:{_ERROR} }}
.kling-warning {{ color:{_WARN} }}
"""

# Live parts only: a finished card has to do with inline style, which is all an untrusted notebook keeps.
CARD_SHEET = f"""
.kling-card {{ border:1px solid {_LINE}; border-radius:6px; padding:10px 14px; margin:4px 0; max-width:760px;
  gap:6px; box-sizing:border-box; overflow:hidden }}
.kling-row {{ display:flex; align-items:flex-start; gap:12px; overflow:hidden; flex-wrap:nowrap }}
.kling-grow {{ flex:1 1 auto; min-width:0 }}
.kling-row .jupyter-button {{ flex:0 0 auto; width:auto; margin:0 }}
.kling-card .widget-html, .kling-card .widget-html-content {{ margin:0; height:auto; line-height:1.5;
  font-size:13px }}
.kling-id {{ font-family:var(--jp-code-font-family,monospace); font-size:12px; user-select:all }}
.kling-track {{ display:flex; align-items:center; gap:10px; font-size:11px; line-height:1 }}
.kling-bar {{ flex:1 1 auto; height:6px; border-radius:3px; overflow:hidden; background:{_LINE} }}
.kling-bar > div {{ height:100%; border-radius:3px; background:{_ACCENT} }}
.kling-bar.kling-open > div {{ width:30%; animation:kling-slide 1.8s ease-in-out infinite alternate }}
@keyframes kling-slide {{ from {{ margin-left:0 }} to {{ margin-left:70% }} }}
@media (prefers-reduced-motion:reduce) {{
  .kling-bar.kling-open > div {{ animation:none; width:100%; opacity:.45 }} }}
.kling-state {{ font-weight:600 }}
"""

FORM_SHEET = f"""
.kling-form {{ max-width:880px; padding:2px 4px 8px; overflow:visible }}
.kling-form > * {{ overflow:visible }}
.kling-form .widget-html, .kling-form .widget-html-content {{ height:auto; line-height:1.45; font-size:13px;
  margin:0; min-height:0 }}
.kling-grid {{ display:grid; grid-template-columns:repeat(auto-fill,minmax(120px,1fr)); gap:6px 20px;
  align-items:start; overflow:visible; margin:10px 0 }}
.kling-grid > * {{ grid-column:span 2 }}
.kling-grid > .kling-field:has(> .widget-checkbox), .kling-grid > .kling-wide {{ grid-column:1/-1 }}
.kling-field {{ overflow:visible; min-width:0; gap:3px }}
.kling-field > * {{ margin:0; width:auto }}
.kling-field .widget-inline-hbox {{ flex-direction:column; align-items:stretch; height:auto; gap:3px }}
.kling-field .widget-label, .kling-label {{ width:auto; height:auto; line-height:1.3; font-weight:600;
  font-size:13px; text-align:left; color:var(--jp-ui-font-color1,inherit); overflow:visible;
  white-space:normal }}
.kling-field .widget-inline-hbox > input, .kling-field select, .kling-field textarea {{ width:100%; margin:0;
  box-sizing:border-box; flex:0 0 auto; font-family:inherit; font-size:13px }}
.kling-field .widget-inline-hbox > input, .kling-field select {{ height:32px }}
.kling-field .widget-checkbox {{ flex-direction:row; height:24px; margin:0 }}
.kling-field .widget-checkbox .widget-label-basic {{ display:flex; align-items:center; font-weight:600;
  width:auto; height:24px; gap:6px }}
.kling-field .widget-checkbox input {{ margin:0; align-self:center }}
.kling-field .widget-checkbox > .widget-label {{ display:none }}
.kling-note {{ font-size:12px }}
.kling-note .widget-html-content {{ font-size:12px }}
.kling-note .kling-label {{ font-size:13px; margin-bottom:2px }}
.kling-help {{ display:flex; justify-content:space-between; gap:1px 12px; color:{_MUTED} }}
.kling-count {{ white-space:nowrap; font-variant-numeric:tabular-nums }}
.kling-heading .widget-html-content {{ font-weight:600; font-size:14px; border-bottom:1px solid {_LINE};
  padding:6px 0 3px; color:var(--jp-ui-font-color1,inherit) }}
.kling-heading .widget-html-content:has(> div:empty) {{ padding:0 }}
.kling-picture {{ flex-flow:row wrap; gap:3px 8px; align-items:flex-end }}
.kling-picture > .widget-text {{ flex:1 1 150px }}
.kling-picture > .jupyter-button {{ width:auto; height:32px }}
.kling-picture > .kling-earlier, .kling-picture > .kling-note {{ flex:1 0 100% }}
@media (min-width:960px) {{ .kling-grid > .kling-picture.kling-picture {{ grid-column:span 3 }} }}
.kling-picture .kling-note .widget-html-content {{ display:grid; grid-template-columns:auto 1fr;
  grid-auto-rows:min-content }}
.kling-picture .kling-note .widget-html-content > * {{ grid-column:2; min-width:0; overflow-wrap:anywhere }}
.kling-picture .kling-help {{ flex-wrap:wrap; justify-content:flex-start }}
.kling-picture .kling-count {{ white-space:normal }}
.kling-picture .kling-note .kling-view {{ display:contents; color:{_MUTED} }}
.kling-view img {{ grid-column:1; grid-row:1/span 9; margin:3px 10px 0 0; max-width:110px;
  border-radius:4px; border:1px solid {_LINE}; object-fit:cover }}
.kling-view span {{ grid-column:2; color:{_MUTED}; overflow-wrap:anywhere }}
.kling-list {{ gap:4px }}
.kling-items {{ gap:3px; container-type:inline-size }}
@container (max-width:520px) {{ .kling-line.kling-tools {{ margin-bottom:0; max-width:100%; flex-wrap:wrap;
  height:auto; align-self:flex-start }} }}
@container (max-width:600px) {{ .kling-part-line.kling-line {{ flex-wrap:wrap }}
  .kling-line > .kling-toggle.kling-toggle {{ flex-basis:100% }} }}
.kling-field + .kling-part-line {{ margin-top:8px }}
.kling-items > .kling-field, .kling-items > .kling-part-line, .kling-items > .kling-note {{
  padding:0 0 0 12px; border-left:3px solid {_LINE} }}
.kling-items > .kling-note {{ padding-left:34px }}
.kling-part-line + .kling-field, .kling-part-line + .kling-note {{ margin-top:-3px }}
.kling-list, .kling-items, .kling-line {{ overflow:visible }}
.kling-line {{ flex-wrap:wrap; align-items:center; gap:0 2px; min-height:22px }}
.kling-tools {{ align-self:flex-end; max-width:calc(100% - 92px); margin-bottom:-27px; height:24px; z-index:1;
  flex-wrap:nowrap }}
.kling-line .jupyter-button {{ width:auto; height:24px; line-height:24px; margin:0; padding:0 4px;
  font-size:12px; background:none; box-shadow:none; color:{_MUTED} }}
.kling-part-line {{ flex-wrap:nowrap }}
.kling-line .kling-tool {{ flex:0 1 auto; min-width:0 }}
.kling-line .jupyter-button:hover:enabled {{ color:var(--jp-ui-font-color1,inherit);
  text-decoration:underline }}
.kling-line .jupyter-button:focus-visible {{ outline:2px solid {_ACCENT}; outline-offset:-2px }}
.kling-line .kling-toggle {{ flex:1 1 60px; min-width:0; padding:0; text-align:left; font-weight:500;
  font-size:13px; color:var(--jp-ui-font-color1,inherit) }}
.kling-toggle::before {{ content:"\\25B8"; content:"\\25B8" / ""; display:inline-block; width:1.4em }}
.kling-toggle.kling-open::before {{ content:"\\25BE"; content:"\\25BE" / "" }}
.kling-items > .kling-field > .widget-inline-hbox > .widget-label {{ min-height:24px; line-height:24px }}
.kling-part .kling-grid {{ display:flex; flex-flow:row wrap; gap:8px 20px; margin:4px 0 0 }}
.kling-part .kling-grid > .kling-field {{ flex:0 1 150px }}
.kling-part .kling-grid > .kling-wide {{ flex:1 1 260px }}
.kling-part .kling-grid > .kling-list {{ flex:2 1 460px }}
.kling-list > .jupyter-button {{ align-self:flex-start; width:auto; height:26px; line-height:26px }}
.kling-list > .kling-strip-set {{ align-self:flex-end; margin-top:-26px; height:24px; line-height:24px }}
.kling-strip {{ display:flex; gap:2px; font-size:12px; line-height:1.3; margin:2px 0 }}
.kling-strip > div {{ min-width:0; padding:3px 6px; overflow:hidden; white-space:nowrap; border-radius:3px;
  box-sizing:border-box; border:1px solid {_LINE}; color:var(--jp-ui-font-color1,inherit) }}
.kling-strip b {{ margin-right:.5em }}
.kling-shot {{ background:color-mix(in srgb,{_ACCENT} 22%,transparent) }}
.kling-strip > .kling-free {{ border-style:dashed; color:{_MUTED} }}
.kling-fold {{ justify-self:start; width:auto; margin:0 }}
.kling-foot {{ align-items:flex-start; gap:8px; flex-wrap:wrap; overflow:visible }}
.kling-foot .jupyter-button {{ width:auto; margin:0 }}
.kling-form > .kling-foot > .mod-primary {{ min-width:130px }}
.kling-status {{ flex:1 1 calc(100% - 200px); min-height:32px }}
.kling-foot ul {{ margin:2px 0; padding-left:18px }}
.kling-form > .kling-drawer {{ margin:10px 0 0; padding:10px 12px; border:1px solid {_LINE};
  border-radius:6px; overflow:visible }}
.kling-drawer label {{ display:block }}
.kling-code {{ display:block; box-sizing:border-box; width:100%; margin:4px 0 0; padding:8px; resize:vertical;
  white-space:pre; border:1px solid {_LINE}; border-radius:3px; color:var(--jp-ui-font-color1,inherit);
  background:var(--jp-cell-editor-background,transparent);
  font:var(--jp-code-font-size,13px)/1.5 var(--jp-code-font-family,monospace) }}
.kling-presets {{ display:grid; grid-template-columns:minmax(0,320px) auto 1fr; gap:8px; align-items:end }}
.kling-presets > .kling-wide {{ grid-column:1/-1 }}
.kling-presets > .jupyter-button {{ width:auto; margin:0; height:32px; grid-column:2/-1; justify-self:start }}
.kling-board {{ gap:14px; overflow:visible }}
.kling-form > .kling-board {{ margin-top:8px }}
.kling-board > * {{ margin:0; overflow:visible }}
.kling-board .kling-card {{ max-width:none }}
.kling-result {{ gap:6px; overflow:visible }}
.kling-result > * {{ overflow:visible; margin:0 }}
.kling-result .jp-OutputArea-output {{ padding:0; margin:0 }}
.kling-result .kling-final {{ margin:0; max-width:none !important }}
.kling-actions {{ display:flex; flex-flow:row wrap; align-items:center; gap:8px }}
.kling-actions .jupyter-button {{ width:auto; margin:0 }}
"""


def sheet(*sheets: str) -> str:
    """The sheets and that of the words as an element, to go first into an HTML widget."""
    return tag("style", *map(_tight, (WORDS, *sheets)))


@lru_cache(maxsize=16)
def _tight(text: str) -> str:
    return re.sub(r"\s*([{};,>])\s*", r"\1", text.strip())


def told(words: object, *, wrong: bool = False) -> str:
    """A sentence that is read out when it comes."""
    look = {"role": "alert", "class_": "kling-error"} if wrong else {"role": "status"}
    return tag("div", escape(words), **look)


def change(widget: Any, **traits: Any) -> None:
    """Set what differs. Setting a trait costs ten times as much as looking at it."""
    for name, value in traits.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


class Wardrobe:
    """Dresses the widgets of one card or form, which share their Layout and Style objects.

    Own ones would triple the models, and closing a widget does not close its own. What a wardrobe made, it
    closes: nothing is kept for the process, so `Widget.close_all()` can break no later card.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self.silent = silent
        self._made: list[Any] = []
        self._layouts: dict[tuple[tuple[str, str], ...], Any] = {}
        self._styles: dict[tuple[type[Any], tuple[tuple[str, str], ...]], Any] = {}

    def make(
        self, kind: type[Any], *classes: str, layout: dict[str, str] | None = None, **traits: Any
    ) -> Any:
        """A widget in shared clothes, with CSS classes."""
        wear = {"layout": self.layout(**(layout or {})), "_dom_classes": classes, **self.line()}
        if "style" in kind.class_trait_names():
            wear["style"] = self._style(kind.style.klass, traits.pop("clothes", {}))
        widget = kind(**wear, **traits)
        self._made.append(widget)
        return widget

    def line(self) -> dict[str, Any]:
        """What a widget needs to send nothing, where nobody looks: else a log would be full of models."""
        return {"comm": DummyComm()} if self.silent else {}

    def layout(self, **traits: str) -> Any:
        """The layout with these properties."""
        key = tuple(sorted(traits.items()))
        if key not in self._layouts:
            self._layouts[key] = widgets.Layout(**traits, **self.line())
        return self._layouts[key]

    def _style(self, kind: type[Any], traits: dict[str, str]) -> Any:
        key = kind, tuple(sorted(traits.items()))
        if key not in self._styles:
            self._styles[key] = kind(**traits, **self.line())
        return self._styles[key]

    def pieces(self) -> list[Any]:
        """Every widget dressed here, outermost first, and then the clothes: to be closed together."""
        return [*reversed(self._made), *self._layouts.values(), *self._styles.values()]
