"""Values for every parameter of every model, each away from its default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

EVERY: dict[str, dict[str, Any]] = {
    "kling-3-text2image": {
        "prompt": "(element1) beside (element2)",
        "negative_prompt": "fog",
        "aspect_ratio": "2:3",
        "resolution": "2K",
        "output_format": "webp",
        "elements": [
            {"frontal_image_url": Path("a b.png"), "reference_image_urls": ["b.png", "https://e.com/c.png"]},
            {"frontal_image_url": "d.png"},
        ],
    },
    "kling-3-image2image": {
        "prompt": "(element1) in winter",
        "image_url": "https://example.com/a.png?size=1&x='y'",
        "aspect_ratio": "4:3",
        "resolution": "2K",
        "output_format": "jpeg",
        "elements": [{"frontal_image_url": "a.png", "reference_image_urls": ["b.png"]}],
    },
    "kling-3-standard-text2video": {
        "prompt": "<<<voice_1>>> and <<<voice_2>>> talk",
        "negative_prompt": "fog",
        "aspect_ratio": "9:16",
        "cfg_scale": 0.75,
        "duration": "4",
        "generate_audio": True,
        "multi_prompt": [{"prompt": "waves", "duration": "1"}, {"prompt": "gulls", "duration": "3"}],
        "shot_type": "customize",
        "voice_ids": ["v1", "v2"],
    },
    "kling-3-pro-image2video": {
        "prompt": "@Element1 and @Element2 turn <<<voice_1>>>",
        "start_image_url": "a.png",
        "end_image_url": Path("b.png"),
        "negative_prompt": "fog",
        "aspect_ratio": "1:1",
        "cfg_scale": 0.25,
        "duration": "3",
        "generate_audio": False,
        "elements": [
            {"frontal_image_url": "a.png", "reference_image_urls": ["b.png"]},
            {"frontal_image_url": "c.png"},
        ],
        "multi_prompt": [{"prompt": "they turn", "duration": "1"}, {"prompt": "and bow", "duration": "2"}],
        "shot_type": "intelligent",
        "voice_ids": ["v1"],
    },
    "kling-text2video": {
        "prompt": "a dog",
        "negative_prompt": "people",
        "aspect_ratio": "1:1",
        "cfg_scale": 0.9,
        "duration": 10,
        "mode": "pro",
        "camera_control_type": "simple",
        "camera_control_config": "zoom",
        "camera_control_config_value": -7,
    },
}
