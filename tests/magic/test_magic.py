"""The magics: a cell is a request, and what is wrong with it is said before anything is sent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from PIL import Image

import kling_nb as kn
from kling_nb.model.catalogue import models
from kling_nb.notebook import magic, options
from kling_nb.sandbox import Sandbox

from .conftest import run

SLUG = "kling-3-text2image"
PRO = "kling-3-pro-image2video"
SLUGS = [model.slug for model in models()]
FOX = f"%%kling {SLUG} --aspect-ratio 1:1 -o fox\na fox in the snow\n"


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 320), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def order(line: str, body: str = "a fox", **space: Any) -> options.Order:
    return options.read(options.split(line), body, space)


def refusal(line: str, body: str = "a fox", **space: Any) -> str:
    with pytest.raises(options.WrongOptions) as caught:
        order(line, body, **space)
    return str(caught.value)


# Running


def test_a_cell_makes_a_picture_and_keeps_it(shell: Any, sandbox: Sandbox) -> None:
    made = run(shell, FOX)
    assert isinstance(made, kn.Image)
    assert shell.user_ns["fox"] is made
    assert made.size[0] == made.size[1]
    assert made.prompt == "a fox in the snow"
    assert len(sandbox.posts()) == 1


def test_the_same_cell_again_buys_nothing_and_says_so(shell: Any, sandbox: Sandbox, capsys: Any) -> None:
    first = run(shell, FOX)
    assert "Made earlier" not in capsys.readouterr().out
    assert run(shell, FOX.rstrip()) == first
    assert "Made earlier (take 1): nothing was bought. --take new buys another." in capsys.readouterr().out
    assert run(shell, f"%%kling {SLUG}   --aspect-ratio=1:1\n\na fox in the snow\n\n") == first
    assert len(sandbox.posts()) == 1


def test_another_take_is_asked_for_by_name(shell: Any, sandbox: Sandbox) -> None:
    for take in ("1", "2", "new", "2"):
        run(shell, f"%%kling {SLUG} --take {take}\na fox")
    assert len(sandbox.posts()) == 3


def test_no_wait_gives_the_job(shell: Any, sandbox: Sandbox) -> None:
    job = run(shell, f"%%kling {SLUG} --no-wait -o job\na fox")
    assert isinstance(job, kn.Job)
    assert job.request_id
    assert shell.user_ns["job"] is job
    assert job.result(20).path.is_file()


def test_a_timeout_ends_the_wait_and_not_the_job(shell: Any, sandbox: Sandbox) -> None:
    cell = f"%%kling {SLUG} --timeout 1\n[sandbox:stuck] a fox"
    with pytest.raises(kn.JobTimeout, match="the job goes on"):
        run(shell, cell)
    assert len(sandbox.posts()) == 1


def test_one_result_goes_into_the_next_cell(shell: Any, sandbox: Sandbox) -> None:
    run(shell, FOX)
    cell = f"%%kling {PRO} --start-image-url {{fox}} --duration 3 --no-generate-audio\nit turns its head"
    clip = run(shell, cell)
    assert isinstance(clip, kn.Video)
    assert not clip.has_sound
    assert run(shell, cell.replace("{fox}", "$fox")) == clip
    assert run(shell, cell.replace("{fox}", f"'{shell.user_ns['fox'].path}'")) == clip
    assert len(sandbox.posts()) == 2


def test_the_client_is_the_one_made_last_and_is_held(shell: Any, kling: kn.Client) -> None:
    assert kling.jobs() == run(shell, "%kling jobs") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%kling credits", "Credits $"),
        ("%kling models", "kling-3-pro-image2video"),
        ("%kling recover", "Nothing to recover"),
        ("%kling jobs", "a fox in the snow"),
        ("%kling gallery", "1 to 1 of 1, newest first"),
        ("jobs = %kling jobs\njobs", "a fox in the snow"),
    ],
)
def test_the_line_magics(shell: Any, line: str, said: str, capsys: Any) -> None:
    run(shell, FOX)
    found = run(shell, line)
    assert said in repr(found) + capsys.readouterr().out
    if hasattr(found, "close"):
        found.close()


def test_an_async_client_will_do(shell: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    other = kn.AsyncClient(
        sandbox.key,
        base_url=sandbox.base_url,
        time_scale=2000,
        media=tmp_path / "media",
        home=tmp_path / "home",
    )
    assert isinstance(run(shell, FOX), kn.Image)
    assert "Credits" in repr(run(shell, "%kling credits"))
    other._core.engine.call(other.close())


# What a cell means


SAMPLES = {"picture": "https://example.com/a.png", "number": "0.25", "integer": "-3", "text": "some words"}


def sample(param: Any) -> tuple[list[str], Any]:
    """Words for an option, and the value that they mean."""
    name = f"--{param.name.replace('_', '-')}"
    if param.kind == "flag":
        return [f"--no-{param.name.replace('_', '-')}"], False
    if param.kind == "choice":
        value = param.choices[-1][0]
        return [name, str(value)], str(value)
    if param.kind == "list" and param.item.kind == "part":
        parts = [
            {"prompt": "one", "duration": "3"} if param.name == "multi_prompt" else
            {"frontal_image_url": "https://example.com/b.png"}
        ] * 2  # fmt: skip
        return [word for part in parts for word in (name, f"'{json.dumps(part)}'")], parts
    if param.kind == "list":
        return [name, "anna", name, "bert"], ["anna", "bert"]
    text = SAMPLES[param.kind]
    return [name, f"'{text}'"], {"0.25": 0.25, "-3": -3}.get(text, text)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_parameter_of_every_model_is_an_option(slug: str) -> None:
    for param in models()[slug].request.params():
        if param.name == "prompt":
            continue
        words, meant = sample(param)
        reader = options._Reader(models()[slug].request, {})
        reader.read(options.split(" ".join(words)))
        assert reader.problems == []
        assert reader.values == {param.name: meant}
        assert type(reader.values[param.name]) is type(meant)


def test_a_full_request_is_what_was_typed() -> None:
    line = (
        f"{PRO} --start-image-url https://example.com/a.png --duration 9 --cfg-scale .75 --voice-ids anna "
        '--multi-prompt \'{"prompt": "one", "duration": 4}\' --multi-prompt {shot} --elements {elements} '
        "--negative-prompt 'no \"blur\"' --aspect_ratio 9:16 --generate-audio"
    )
    shots = {"prompt": "two", "duration": "5"}
    elements = [kn.Element(frontal_image_url="https://example.com/b.png")]
    made = order(line, "@Element1 speaks <<<voice_1>>>", shot=shots, elements=elements)
    assert made.request.values() == {
        "prompt": "@Element1 speaks <<<voice_1>>>",
        "start_image_url": "https://example.com/a.png",
        "negative_prompt": 'no "blur"',
        "duration": "9",
        "aspect_ratio": "9:16",
        "elements": [{"frontal_image_url": "https://example.com/b.png"}],
        "generate_audio": True,
        "voice_ids": ["anna"],
        "multi_prompt": [{"prompt": "one", "duration": "4"}, shots],
        "cfg_scale": 0.75,
    }
    assert (made.take, made.timeout, made.wait, made.name) == (1, None, True, "")


def test_what_is_not_given_is_absent() -> None:
    assert order(SLUG).request.values() == {"prompt": "a fox"}


def test_the_body_is_taken_as_it_is() -> None:
    body = "  it costs $5 {name} $name\n\n  second line \\n 'quoted' # no comment\n"
    assert order(SLUG, body, name="x").request.prompt == body.strip()


def test_a_variable_is_an_object_and_never_code(shell: Any, sandbox: Sandbox) -> None:
    data = picture()
    found = order("kling-3-image2image --image-url {data}", data=data).request
    assert found.values()["image_url"] is data
    shell.user_ns["ran"] = []
    with pytest.raises(kn.InvalidRequest, match="is no name of a variable"):
        run(shell, f"%%kling {SLUG} --negative-prompt {{ran.append(1)}}\na fox")
    assert shell.user_ns["ran"] == []
    assert order(f"{SLUG} --negative-prompt 'a {{b}} c'").request.negative_prompt == "a {b} c"
    assert order(f"{SLUG} --negative-prompt $5").request.negative_prompt == "$5"


def test_a_path_of_windows_keeps_its_backslashes() -> None:
    found = order(r"kling-3-image2image --image-url C:\new\table.png").request
    assert found.values()["image_url"] == r"C:\new\table.png"


# What is wrong


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("kling-3-text2imag", "Did you mean 'kling-3-text2image'"),
        ("jbos", "Did you mean 'jobs'?"),
        ("--take 2", "Name a model first"),
        (f"{SLUG} --aspect-ration 1:1", "has no such option. Did you mean '--aspect-ratio'?"),
        (f"{SLUG} --aspect-ratio 1:2", "--aspect-ratio: '1:2' is not one of the allowed values."),
        (f"{SLUG} --aspect-ratio", "--aspect-ratio: no value was given. Use one of '16:9'"),
        (f"{SLUG} --aspect-ratio --take 2", "--aspect-ratio: no value was given."),
        (f"{SLUG} --aspect-ratio 1:1 --aspect-ratio 3:2", "it was given before. Keep one of them."),
        (f"{SLUG} stray", "'stray' belongs to no option."),
        (f"{SLUG} --prompt x", "the prompt stands below the first line already"),
        (f"{SLUG} --negative-prompt 'open", "a quotation mark is not closed"),
        (f"{SLUG} --take 0", "--take: '0' is not a take."),
        (f"{SLUG} --take True", "--take: 'True' is not a take."),
        (f"{SLUG} --timeout soon", "--timeout: 'soon' is not a number. Use a number from 1 to 86400."),
        (f"{SLUG} --timeout -1", "--timeout: -1 is not a time to wait."),
        (f"{SLUG} -o 1x", "-o: '1x' can not be a name."),
        (f"{SLUG} -o class", "-o: 'class' can not be a name."),
        (f"{SLUG} -x 1", "-x: kling-3-text2image has no such option."),
        (f"{SLUG} --negative-prompt {{nobody}}", "there is no variable nobody."),
        (f"{PRO} --start-image-url {{fxo}}", "there is no variable fxo. Did you mean 'fox'?"),
        (f"{PRO} --cfg-scale high", "--cfg-scale: 'high' is not a number. Use a number from 0 to 1."),
        (f"{PRO} --cfg-scale 3", "--cfg-scale: 3 is above the highest value 1."),
        (f"{PRO} --cfg-scale nan", "--cfg-scale: nan is not a number."),
        (f"{PRO} --no-generate-audio=1", "--no-generate-audio: it takes no value."),
        (f"{PRO} --generate-audio --no-generate-audio", "the opposite was said before."),
        (f"{PRO} --multi-prompt nonsense", "--multi-prompt: 'nonsense' is not JSON."),
        (f"{PRO} --multi-prompt '{{\"prompt\": 5}}'", "--multi-prompt[0].prompt: 5 is not a text."),
        (f"{PRO} --multi-prompt 5", "--multi-prompt[0]: 5 is not of kind Shot."),
        (PRO, "--start-image-url: nothing was given, but it is needed."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_option(line: str, said: str) -> None:
    text = refusal(line, fox=1)
    assert said in text
    assert text.endswith("Nothing was sent and nothing was charged.")


def test_all_is_said_at_once() -> None:
    text = refusal(f"{PRO} --cfg-scale high --nonsense 5 --take x --aspect-ratio 2:1", "")
    assert text.startswith(f"6 problems with this {PRO} request:")


@pytest.mark.parametrize(
    "cell", [f"%%kling {SLUG}x\na fox", f"%%kling {SLUG} --nope 1\na fox", f"%%kling {SLUG}\n\n"]
)
def test_nothing_is_sent_and_no_traceback_shown(shell: Any, sandbox: Sandbox, cell: str, capsys: Any) -> None:
    done = shell.run_cell(cell)
    assert isinstance(done.error_in_exec, kn.InvalidRequest)
    shown = capsys.readouterr().out
    assert "Nothing was sent" in shown
    assert "Traceback" not in shown
    assert sandbox.seen == []


def test_no_client_is_looked_for_before_the_cell_is_right(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("a client was asked for")

    magic.load(bare)
    monkeypatch.setattr("kling_nb.client.current", never)
    for cell in (f"%%kling {SLUG} --nope 1\nx", "%kling credits now", "%kling nothing", "%kling --help"):
        assert not isinstance(bare.run_cell(cell).error_in_exec, AssertionError)


# Help


@pytest.mark.parametrize(
    "cell", ["%%kling --help", "%%kling -h\n", "%kling", "%%kling", "%kling --help", "%kling jobs --help"]
)
def test_help_names_what_there_is(shell: Any, cell: str, capsys: Any) -> None:
    assert run(shell, cell) is None
    shown = capsys.readouterr().out
    assert all(slug in shown for slug in SLUGS)
    assert all(f"%kling {verb}" in shown for verb in options.VERBS)
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("slug", SLUGS)
def test_help_of_a_model_names_every_parameter(shell: Any, sandbox: Sandbox, slug: str, capsys: Any) -> None:
    run(shell, f"%%kling {slug} --help")
    shown = capsys.readouterr().out
    for param in models()[slug].request.params():
        assert param.name == "prompt" or f"--{param.name.replace('_', '-')}" in shown
    assert "--take N" in shown
    assert "buys nothing" in shown
    assert max(map(len, shown.splitlines())) <= 104
    assert sandbox.seen == []


# Completion


COMPLETIONS = [
    ("%%kling ", [*SLUGS, "--help"]),
    ("%%kling kling-3-t", [SLUG]),
    ("%kling re", ["recover"]),
    ("x = %kling cr", ["credits"]),
    (f"%%kling {SLUG} --asp", ["--aspect-ratio"]),
    (f"%%kling {SLUG} --aspect-ratio ", ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3"]),
    (f"%%kling {SLUG} --aspect-ratio 1", ["16:9", "1:1"]),
    (f"%%kling {SLUG} --aspect-ratio 16:", ["16:9"]),
    (f"%%kling {SLUG} --aspect-ratio=1", ["--aspect-ratio=16:9", "--aspect-ratio=1:1"]),
    (f"%%kling {SLUG} --take ", ["new"]),
    (f"%%kling {PRO} --no-", ["--no-generate-audio", "--no-wait"]),
    (f"%%kling {PRO} --generate-audio --no-", ["--no-wait"]),
    (f"%%kling {PRO} --voice-ids a --voi", ["--voice-ids"]),
    (f"%%kling {PRO} --start-image-url ", ["{fox}"]),
    ("%%kling kling-text2video --mode ", ["std", "pro"]),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.Completer.complete. is pending:PendingDeprecationWarning")
@pytest.mark.parametrize(("line", "expected"), COMPLETIONS)
def test_completion(shell: Any, tmp_path: Path, line: str, expected: list[str]) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(picture())
    shell.user_ns |= {"fox": kn.Image(path), "_hidden": kn.Image(path), "number": 5}
    _, found = shell.complete(None, line, len(line))
    assert sorted(found) == sorted(expected)
    with provisionalcompleter():  # what a kernel asks
        offered = list(shell.Completer.completions(line, len(line)))
    assert {line[: each.start] + each.text for each in offered} == {
        line[: line.rindex(" ") + 1] + text for text in expected
    }


def test_a_line_below_is_a_prompt_and_other_lines_are_not_ours(shell: Any) -> None:
    for text in (
        f"%%kling {SLUG}\n--asp",
        "kling jobs --",
        "print('%kling ",
        "%klingon re",
        f"x\n%%kling {SLUG} --asp",
    ):
        with provisionalcompleter():
            offered = {each.text for each in shell.Completer.completions(text, len(text))}
        assert "--aspect-ratio" not in offered
        assert "recover" not in offered


def test_a_terminal_waits_for_the_prompt(shell: Any) -> None:
    status, _ = shell.input_transformer_manager.check_complete(f"%%kling {SLUG}\n")
    assert status == "incomplete" or shell.check_complete(f"%%kling {SLUG}")[0] == "incomplete"


# Coming and going


def state(shell: Any) -> tuple[Any, ...]:
    found = shell.magics_manager.magics
    return (
        *(found[kind].get("kling") for kind in ("line", "cell")),
        list(shell.Completer.custom_matchers),
        list(shell.input_transformer_manager.line_transforms),
        list(shell.input_transformers_cleanup),
    )


def test_unloading_restores_what_was_there(bare: Any) -> None:
    before = state(bare)
    magic.load(bare)
    magic.load(bare)
    assert state(bare) != before
    magic.unload(bare)
    assert state(bare) == before
    magic.unload(bare)

    def mine(line: str) -> str:
        return f"mine: {line}"

    bare.register_magic_function(mine, "line", "kling")
    before = state(bare)
    magic.load(bare)
    assert SLUG in repr(run(bare, "%kling models"))
    magic.unload(bare)
    assert state(bare) == before
    assert run(bare, "%kling models") == "mine: models"


def test_a_name_that_was_taken_since_is_left_alone(bare: Any) -> None:
    def theirs(line: str) -> str:
        return f"theirs: {line}"

    magic.load(bare)
    bare.register_magic_function(theirs, "line", "kling")
    magic.unload(bare)
    assert run(bare, "%kling x") == "theirs: x"
    assert "kling" not in bare.magics_manager.magics["cell"]


def test_it_is_an_extension(bare: Any) -> None:
    before = state(bare)
    run(bare, "%load_ext kling_nb")
    assert bare.find_cell_magic("kling")
    run(bare, "%reload_ext kling_nb")
    assert bare.find_line_magic("kling")
    run(bare, "%unload_ext kling_nb")
    assert state(bare) == before


def test_the_key_is_in_nothing_that_is_shown(shell: Any, sandbox: Sandbox, capsys: Any) -> None:
    run(shell, "%xmode Verbose")
    for cell in (FOX, FOX, "%kling jobs", "%kling credits", "%kling gallery", f"%%kling {SLUG} --nope\nx"):
        shell.run_cell(cell)
    shell.user_ns["kling"].close()
    shell.run_cell("kling.run('kling-3-text2image', prompt='another')")
    shown = capsys.readouterr()
    assert sandbox.key not in shown.out + shown.err
