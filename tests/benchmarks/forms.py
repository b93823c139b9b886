"""The form of `kling-3-pro-image2video` beside three form builders: `python tests/benchmarks/forms.py`.

Each subject runs in a process of its own, the others in a virtual environment that this script makes in a
temporary folder (`--peers FOLDER` keeps it for the next run). README.md says what is counted. `--keep` writes
the table into it.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SLUG = "kling-3-pro-image2video"
PEERS = ("ipywidgets-jsonschema==1.2.1", "ipyautoui==0.9.0", "magicgui==0.10.2")
ROUNDS = 7
HEAD = ("", "kling_nb", "ipywidgets-jsonschema", "ipyautoui", "magicgui", "best peer / ours")
ROWS = {
    "import, ms": "import", "build, ms": "build", "models": "models", "messages at build": "build_messages",
    "kB at build": "build_kb", "set, ms": "set", "models, full": "models_full",
    "messages at set": "set_messages", "kB at set": "set_kb", "update, ms": "update",
    "messages at update": "update_messages", "edit, ms": "edit", "messages at edit": "edit_messages",
    "read, ms": "read", "leaked models a refill": "leaked", "models left after close": "left",
}  # fmt: skip


def address(name: object) -> str:
    return f"https://example.com/{name}.png"


FULL: dict[str, Any] = {
    "prompt": "@Element1 @Element2 @Element3 <<<voice_1>>> <<<voice_2>>>",
    "start_image_url": address("start"), "end_image_url": address("end"), "negative_prompt": "blur",
    "duration": "15", "aspect_ratio": "9:16",
    "elements": [{"frontal_image_url": address(at),
                  "reference_image_urls": [address(f"{at}-{view}") for view in range(3)]} for at in range(3)],
    "generate_audio": True, "voice_ids": ["a", "b"],
    "multi_prompt": [{"prompt": f"shot {at} of the fox", "duration": "3"} for at in range(5)],
    "shot_type": "customize", "cfg_scale": 0.75,
}  # fmt: skip
SMALL = {"prompt": "a fox", "start_image_url": address("start")}


def changed() -> dict[str, Any]:
    """The full document with 28 of its 33 values changed."""
    new = copy.deepcopy(FULL)
    for shot in new["multi_prompt"]:
        shot.update(prompt=shot["prompt"] + "!", duration="4")
    for element in new["elements"]:
        element["frontal_image_url"] += "?2"
        element["reference_image_urls"] = [url + "?2" for url in element["reference_image_urls"]]
    new |= {name: new[name] + "2" for name in ("prompt", "start_image_url", "negative_prompt")}
    return new | {"duration": "10", "voice_ids": ["c", "b"], "cfg_scale": 0.5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--peers", type=Path, help="where the environment of the others is, or is to be")
    parser.add_argument("--child", choices=SUBJECTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured(options.child, **SUBJECTS[options.child]())))
        return
    from kept import keep, table

    with tempfile.TemporaryDirectory() as scratch:
        python = environment(options.peers or Path(scratch) / "peers")
        found = [run(sys.executable, "kling_nb"), *(run(python, name) for name in list(SUBJECTS)[1:4])]
    cards = run(sys.executable, "cards")["rate"]
    rows = [(title, *line([each.get(name) for each in found])) for title, name in ROWS.items()]
    rows.append(("messages a second, 100 live cards", f"{cards:.0f}", "", "", "", ""))
    text = table(HEAD, rows)
    print(text)
    if options.keep:
        keep("forms", text)


def line(values: list[Any]) -> list[str]:
    """The figures of one row, and how much the best of the others has of what we have."""
    told = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in values]
    ours, best = values[0], min((value for value in values[1:] if value is not None), default=None)
    return [
        *("-" if each == "None" else each for each in told),
        f"{best / ours:.2g}" if ours and best else "",
    ]


def environment(folder: Path) -> str:
    """The interpreter of an environment with the others in it, and the ipywidgets that is ours too."""
    from ipywidgets import __version__ as widgets

    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.EnvBuilder(with_pip=True).create(folder)
        pip = [python, "-m", "pip", "install", "-q", *PEERS, f"ipywidgets=={widgets}"]
        subprocess.run(pip, check=True, stdout=sys.stderr)
    return str(python)


def run(python: str, name: str) -> dict[str, Any]:
    environment = {**os.environ, "KLING_NB_UI": "widgets"}
    if name in ("kling_nb", "cards"):
        environment["PYTHONPATH"] = str(ROOT)
    command = [python, "-W", "ignore", __file__, "--child", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"{name}: {done.stderr.strip()[-600:]}", file=sys.stderr)
        return {}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# The children


class Wire:
    """Counts what widgets send."""

    def __init__(self) -> None:
        import comm
        from comm.base_comm import BaseComm

        self.sent: list[dict[str, Any]] = []
        sent = self.sent

        class Recording(BaseComm):
            def publish_msg(self, msg_type: str, **content: Any) -> None:
                sent.append(content)

        comm.create_comm = Recording

    def take(self) -> tuple[int, float]:
        """How many messages since the last time, and how many kB of JSON."""
        count, size = len(self.sent), sum(len(json.dumps(each, default=str)) for each in self.sent)
        self.sent.clear()
        return count, size / 1000


def measured(name: str, **subject: Any) -> dict[str, Any]:
    """All figures of one subject: `make`, `write`, `edit`, `read`, `close` are what a person would call."""
    if name == "cards":
        return subject
    from ipywidgets.widgets.widget import _instances as alive

    wire, make, write = subject["wire"], subject["make"], subject["write"]
    before = set(alive)
    subject["close"](make())  # what the first one loads does not count
    builds, sets, updates = [], [], []
    for _ in range(ROUNDS):
        known = len(alive)
        wire.take()
        form, took = timed(make)
        builds.append((took, *wire.take(), len(alive) - known))
        sets.append((timed(write, form, FULL)[1], *wire.take(), len(alive) - known))
        updates.append((timed(write, form, changed())[1], *wire.take()))
        edit = timed(subject["edit"], form)[1], *wire.take()
        read = timed(subject["read"], form)[1]
        write(form, SMALL)
        write(form, FULL)
        full = len(alive)
        write(form, SMALL)
        write(form, FULL)
        leaked = len(alive) - full
        known = len(alive)
        subject["close"](form)
    left = len(set(alive) - before) if ROUNDS == 1 else round(len(set(alive) - before) / (ROUNDS + 1))
    build, fill, update = (median(each[0] for each in runs) for runs in (builds, sets, updates))
    return {
        "import": subject["import"], "build": build, "models": builds[-1][3],
        "build_messages": builds[-1][1], "build_kb": round(builds[-1][2]), "set": fill,
        "models_full": sets[-1][3], "set_messages": sets[-1][1], "set_kb": round(sets[-1][2]),
        "update": update, "update_messages": updates[-1][1], "edit": edit[0], "edit_messages": edit[1],
        "read": read, "leaked": leaked, "left": left,
    }  # fmt: skip


def timed(act: Any, *given: Any) -> tuple[Any, float]:
    """What `act` gives, and the milliseconds it took."""
    begun = time.perf_counter()
    result = act(*given)
    return result, 1000 * (time.perf_counter() - begun)


def ours() -> dict[str, Any]:
    begun = time.perf_counter()
    import kling_nb as kn

    form = kn.form
    took = 1000 * (time.perf_counter() - begun)

    class Nobody:
        def jobs(self, **_: Any) -> list[Any]:
            return []

        def _begin(self, *_: Any) -> None:
            raise AssertionError("nothing is generated here")

    def edit(made: Any) -> None:
        made.control("prompt").value = "another"

    return {
        "import": took, "wire": Wire(), "make": lambda: form(SLUG, Nobody()), "edit": edit,
        "write": lambda made, values: setattr(made, "values", values),
        "read": lambda made: made.values, "close": lambda made: made.close(),
    }  # fmt: skip


def cards() -> dict[str, Any]:
    """A hundred live cards at once for five seconds."""
    sys.path.insert(0, str(ROOT))
    import kling_nb as kn
    from kling_nb.notebook.card import Card
    from tests.notebook.standin import StillJob

    _ = kn.form
    wire, begun = Wire(), time.monotonic()

    class Running(StillJob):
        elapsed = property(lambda _: time.monotonic() - begun, lambda *_: None)  # type: ignore[assignment]

    shown = [Card(Running()) for _ in range(100)]
    for card in shown:
        card.settle(lambda _: None)
    wire.take()
    time.sleep(5)
    rate = wire.take()[0] / 5
    for card in shown:
        card.job.end()
    return {"rate": rate}


def jsonschema_form() -> dict[str, Any]:
    begun = time.perf_counter()
    from ipywidgets_jsonschema import Form

    took = 1000 * (time.perf_counter() - begun)

    def write(made: Any, values: Any) -> None:
        made.data = values

    def edit(made: Any) -> None:
        made._form_element.subelements["prompt"].setter("another")

    def close(made: Any) -> None:
        made.widget.close() if hasattr(made.widget, "close") else None

    def make() -> Any:
        form = Form(schema(), sorter=lambda key: key)
        form.widget  # noqa: B018 - made when it is first asked for
        return form

    return {"import": took, "wire": Wire(), "make": make, "write": write, "edit": edit,
            "read": lambda made: made.data, "close": close}  # fmt: skip


def autoui() -> dict[str, Any]:
    begun = time.perf_counter()
    from ipyautoui import AutoUi

    took = 1000 * (time.perf_counter() - begun)

    def edit(made: Any) -> None:
        made.di_widgets["prompt"].value = "another"

    return {
        "import": took, "wire": Wire(), "make": lambda: AutoUi(schema()), "edit": edit,
        "write": lambda made, values: setattr(made, "value", values),
        "read": lambda made: made.value, "close": lambda made: made.close(),
    }  # fmt: skip


def magic() -> dict[str, Any]:
    begun = time.perf_counter()
    import magicgui
    from magicgui import widgets as m

    took = 1000 * (time.perf_counter() - begun)
    magicgui.use_app("ipynb")

    def make() -> Any:
        lists = {"elements": str, "voice_ids": str, "multi_prompt": str}
        rows = [m.ListEdit(name=name, annotation=list[kind], label=name) for name, kind in lists.items()]
        texts = [m.LineEdit(name=name) for name in ("prompt", "start_image_url", "end_image_url",
                                                    "negative_prompt")]  # fmt: skip
        choices = [m.ComboBox(name=name, choices=values) for name, values in CHOICES.items()]
        rest = [m.CheckBox(name="generate_audio"), m.FloatSlider(name="cfg_scale", max=1)]
        made = m.Container(widgets=[*texts, *choices, *rest, *rows])
        made.native  # noqa: B018
        return made

    def write(made: Any, values: dict[str, Any]) -> None:
        flat = {**values, "elements": [], "multi_prompt": []}
        for element in values.get("elements", []):
            flat["elements"] += [element["frontal_image_url"], *element["reference_image_urls"]]
        for shot in values.get("multi_prompt", []):
            flat["multi_prompt"] += [shot["prompt"], shot["duration"]]
        for name, value in flat.items():
            made[name].value = value

    def edit(made: Any) -> None:
        made["prompt"].value = "another"

    return {"import": took, "wire": Wire(), "make": make, "write": write, "edit": edit,
            "read": lambda made: made.asdict(), "close": lambda made: made.close()}  # fmt: skip


CHOICES = {
    "duration": [str(seconds) for seconds in range(3, 16)],
    "aspect_ratio": ["16:9", "9:16", "1:1"],
    "shot_type": ["customize", "intelligent"],
}


def schema() -> dict[str, Any]:
    """The same twelve parameters as a JSON schema, in the words that the others understand."""
    text: dict[str, Any] = {"type": "string", "default": ""}
    seconds = {"type": "string", "enum": CHOICES["duration"], "default": "5"}

    def many(item: dict[str, Any], most: int) -> dict[str, Any]:
        return {"type": "array", "items": item, "maxItems": most, "default": []}

    def part(**fields: Any) -> dict[str, Any]:
        return {"type": "object", "properties": fields}

    fields = {
        "prompt": {**text, "maxLength": 512}, "start_image_url": text, "end_image_url": text,
        "negative_prompt": text, "duration": seconds,
        "aspect_ratio": {"type": "string", "enum": CHOICES["aspect_ratio"], "default": "16:9"},
        "elements": many(part(frontal_image_url=text, reference_image_urls=many(text, 3)), 3),
        "generate_audio": {"type": "boolean", "default": False}, "voice_ids": many(text, 2),
        "multi_prompt": many(part(prompt=text, duration=seconds), 5),
        "shot_type": {"type": "string", "enum": CHOICES["shot_type"], "default": "customize"},
        "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
    }  # fmt: skip
    titled = {name: {"title": name.replace("_", " ").capitalize(), **each} for name, each in fields.items()}
    return {
        "title": "Kling",
        "type": "object",
        "properties": titled,
        "required": ["prompt", "start_image_url"],
    }


SUBJECTS = {
    "kling_nb": ours, "ipywidgets-jsonschema": jsonschema_form, "ipyautoui": autoui, "magicgui": magic,
    "cards": cards,
}  # fmt: skip

if __name__ == "__main__":
    main()
