from tests.media.conftest import clip_file, png  # noqa: F401 - the same fixtures serve here
