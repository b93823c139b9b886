from __future__ import annotations

import os
import re
import shutil
import sys
import types
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kling_nb.media import Image, Video, show
from tests.media import make

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)> ' & <b>"


class Tags(HTMLParser):
    """The tags of some markup, with their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def one(self, name: str) -> dict[str, str | None]:
        (attributes,) = [attrs for tag, attrs in self.found if tag == name]
        return attributes


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def video(clip_file: Path, here: Path) -> Video:
    (here / "media").mkdir()
    return Video(shutil.copy(clip_file, here / "media" / "fox.mp4"), prompt="a fox in the snow")


def test_a_clip_is_a_player_that_waits_with_sound(video: Video) -> None:
    player = Tags(show.video_html(video)).one("video")
    assert player["src"] == "media/fox.mp4"
    assert player["poster"].startswith("data:image/jpeg;base64,")
    assert (player["preload"], player["title"], player["aria-label"]) == (
        "metadata",
        *["a fox in the snow"] * 2,
    )
    assert {"controls", "playsinline"} <= player.keys()
    assert not {"autoplay", "muted", "loop"} & player.keys()


def test_a_clip_has_a_caption_and_a_link_to_its_file(video: Video) -> None:
    tags = Tags(show.video_html(video))
    assert re.fullmatch(r"320 . 180 · 2\.0 s · with sound · \d+\.\d kB · fox\.mp4", tags.text)
    assert tags.one("a")["href"] == "media/fox.mp4"


def test_nothing_is_used_that_untrusted_notebooks_strip(video: Video) -> None:
    markup = show.video_html(video)
    assert {tag for tag, _ in Tags(markup).found} == {"figure", "video", "figcaption", "a"}
    assert "data-" not in markup
    assert not re.search(r"color\s*:|background", markup)


def test_markup_is_the_same_each_time(video: Video) -> None:
    assert show.video_html(video) == show.video_html(Video(video.path, prompt=video.prompt))
    assert str(Path.cwd()) not in show.video_html(video)


def test_ten_clips_stay_below_500_kb(here: Path) -> None:
    pictures = [make.noise(640, 360) for _ in range(2)]
    assert all(
        len(show.data_uri(show.pixels.jpeg_within(_pil(p), 640, 32_000), "image/jpeg")) < 48_000
        for p in pictures
    )
    bundle = Video(make.clip(here / "a.mp4", frames=2))._repr_mimebundle_()
    worst = sum(map(len, bundle.values())) + 32_000 * 4 // 3
    assert worst * 10 < 500_000


def _pil(array):  # type: ignore[no-untyped-def]
    import PIL.Image

    return PIL.Image.fromarray(array)


@pytest.mark.parametrize("media", ["image", "video"])
def test_hostile_prompts_and_names_stay_text(here: Path, clip_file: Path, media: str) -> None:
    name = "a'\"><b onx=1>&%41 #?ü.bin" if os.name == "posix" else "a'&%41 #ü.bin"
    if media == "video":
        markup = show.video_html(Video(shutil.copy(clip_file, here / name), prompt=HOSTILE))
    else:
        make.picture(here / name, format="PNG")
        markup = show.image_html(Image(here / name, prompt=HOSTILE), embed=False)
    tags = Tags(markup)
    assert {tag for tag, _ in tags.found} <= {"figure", "video", "img", "figcaption", "a"}
    assert not any(key.startswith("on") for _, attributes in tags.found for key in attributes)
    assert name in tags.text
    assert tags.one("video" if media == "video" else "img")["title"] == HOSTILE


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("a b.mp4", "a%20b.mp4"),
        ("what?#1.mp4", "what%3F%231.mp4"),
        ("100%25.mp4", "100%2525.mp4"),
        ("füchse.mp4", "f%C3%BCchse.mp4"),
        ('it\'s "so".mp4', "it%27s%20%22so%22.mp4"),
        ("c:x.mp4", "c%3Ax.mp4"),
        ("../up/fox.mp4", "../up/fox.mp4"),
        ("deep/er/fox.mp4", "deep/er/fox.mp4"),
    ],
)
def test_addresses_are_relative_and_quoted(tmp_path: Path, place: str, address: str) -> None:
    assert show.reach(tmp_path / "nb" / place, tmp_path / "nb") == address


@pytest.mark.parametrize("place", [".cache/fox.mp4", "me@example.com/fox.mp4"])
def test_hidden_folders_and_mail_addresses_are_not_linked(tmp_path: Path, place: str) -> None:
    assert show.reach(tmp_path / place, tmp_path) is None


def test_a_link_to_the_notebooks_folder_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "real", target_is_directory=True)
    assert show.reach(tmp_path / "alias" / "fox.mp4", tmp_path / "real") == "fox.mp4"


def test_an_unreachable_clip_is_embedded(clip_file: Path, here: Path) -> None:
    (here / ".hidden").mkdir()
    tags = Tags(show.video_html(Video(shutil.copy(clip_file, here / ".hidden" / "fox.mp4"))))
    assert tags.one("video")["src"].startswith("data:video/mp4;base64,")
    assert "a" not in [tag for tag, _ in tags.found]


def test_colab_gets_the_clip_inside_the_notebook(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert Tags(show.video_html(video)).one("video")["src"].startswith("data:video/mp4")


def test_vs_code_is_told_that_it_plays_no_sound(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = types.SimpleNamespace(user_ns={"__vsc_ipynb_file__": "a.ipynb"})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    tags = Tags(show.video_html(video))
    assert "VS Code plays no sound: to hear it, open media" in tags.text
    assert tags.one("video")["src"].startswith("data:")
    assert "VS Code" not in show.video_html(video, where="jupyter")


@pytest.mark.parametrize(("embed", "where"), [(True, "jupyter"), (None, "colab")])
def test_a_clip_above_the_limit_leaves_its_poster_and_a_way_to_it(
    video: Video, monkeypatch: pytest.MonkeyPatch, embed: Any, where: Any
) -> None:
    monkeypatch.setattr(show, "EMBED_BYTES", 1000)
    tags = Tags(show.video_html(video, embed=embed, where=where))
    assert tags.one("img")["src"].startswith("data:image/jpeg")
    assert f"open {Path('media/fox.mp4')}" in tags.text


def test_embedding_can_be_asked_for_and_refused(video: Video) -> None:
    assert Tags(show.video_html(video, embed=True)).one("video")["src"].startswith("data:video/mp4")
    assert "<video" not in show.video_html(video, embed=False, where="colab")


def test_a_small_picture_is_inside_the_notebook_as_it_is(here: Path) -> None:
    image = Image(make.picture(here / "fox.png"), prompt="a fox")
    tags = Tags(show.image_html(image))
    assert tags.one("img")["src"] == show.data_uri(image.path.read_bytes(), "image/png")
    assert tags.one("img")["alt"] == "a fox"
    assert re.fullmatch(r"320 . 320 · PNG · \d+\.\d kB · fox\.png", tags.text)


def test_a_large_picture_is_shown_by_a_small_preview(here: Path) -> None:
    image = Image(make.picture(here / "big.png", make.noise(1200, 800)))
    assert image.nbytes > 2_000_000
    source = Tags(show.image_html(image)).one("img")["src"]
    assert source.startswith("data:image/jpeg")
    assert len(source) < 210_000
    assert Tags(show.image_html(image, embed=True)).one("img")["src"].startswith("data:image/png")
    assert Tags(show.image_html(image, embed=False)).one("img")["src"] == "big.png"


@pytest.mark.parametrize(
    ("size", "shown"),
    [((1360, 768), ("640", "361")), ((768, 1360), ("316", "560")), ((300, 200), ("300", "200"))],
)
def test_media_are_shown_at_a_sensible_size(
    here: Path, size: tuple[int, int], shown: tuple[str, str]
) -> None:
    image = Tags(show.image_html(Image(make.picture(here / "a.png", make.pixels(*size))))).one("img")
    assert (image["width"], image["height"]) == shown


def test_the_width_can_be_chosen(video: Video) -> None:
    assert Tags(show.video_html(video, width=160)).one("video")["height"] == "90"


def test_the_bundle_has_text_and_html_and_obeys_include_and_exclude(video: Video) -> None:
    assert set(video._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert video._repr_mimebundle_(include={"text/plain"}) == {"text/plain": "<Video 320x180, 2.0 s, sound>"}
    assert set(video._repr_mimebundle_(exclude={"text/plain"})) == {"text/html"}


def test_showing_in_a_script_prints_one_line(video: Video, capsys: pytest.CaptureFixture[str]) -> None:
    video.show()
    assert capsys.readouterr().out == "<Video 320x180, 2.0 s, sound>\n"


def test_showing_in_a_notebook_displays(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    try:
        with capture_output() as got:
            video.show(embed=True, width=200)
    finally:
        InteractiveShell.clear_instance()
    assert 'width="200"' in got.outputs[0].data["text/html"]
