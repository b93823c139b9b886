"""What a person does in a notebook on good and on bad days, as cells; run by IPython here and by a kernel."""

from __future__ import annotations

# The service hands out addresses with the e-mail of the account in them.
START = """
import logging, os, pickle, sys, traceback, warnings
from pathlib import Path
warnings.simplefilter("always")
logging.captureWarnings(True)
logging.basicConfig(filename="debug.log", level=logging.DEBUG, force=True)
for name in ("httpx", "httpcore", "asyncio", "kling_nb"): logging.getLogger(name).setLevel(logging.DEBUG)
from PIL import Image
import kling_nb as kn
from kling_nb.sandbox import Fault, Sandbox
from kling_nb.testing import Recorder, recorded
logging.getLogger("uvicorn").setLevel(logging.WARNING)  # the other side's own log
def key(): return os.environ["SEGMIND_API_KEY"]
service = Sandbox(time_scale=4000, key=key()).start()
kling = kn.Client(base_url=service.base_url, time_scale=4000)
Image.new("RGB", (320, 320), "teal").save("teal.png")
Image.new("RGB", (320, 320), "plum").save("plum.png")
# What only a call gives: the variables of the person are shown in tracebacks, and are the person's own.
def mail(): return "artist" + chr(64) + "example.com"
def asset(): return f"{service.output_url}/assets/{mail()}/images/{name_of_asset}"
def echo(): return f"the key {key()} of the account {mail()}, see {asset()}"
name_of_asset = kling.upload("teal.png").rpartition("/")[2]
def fault(on, kind, **more): service.script(Fault(on, kind, **more))
def shown(value):
    try: return repr(value)
    except Exception as error: return type(error).__name__
def chain(error):
    while error: yield error; error = error.__cause__ or error.__context__
def keep(error):
    # Whatever a crash reporter would take along.
    Path("errors").mkdir(exist_ok=True)
    at = Path("errors", f"{len(list(Path('errors').iterdir()))}")
    with at.with_suffix(".txt").open("w") as file:
        traceback.print_exception(error, file=file)
        for each in chain(error):
            for frame, _ in traceback.walk_tb(each.__traceback__):
                if frame.f_globals.get("__name__") != "__main__":
                    for name, value in frame.f_locals.items(): print(name, "=", shown(value), file=file)
    at.with_suffix(".pickle").write_bytes(pickle.dumps(error))
    print(repr(error), error)
    return error
def tried(what):
    try: return what()
    except Exception as error: keep(error)
"""
MAIN = (
    """
image = kling.run("kling-3-text2image", prompt="a fox")
print(repr(kling), repr(kling._core.settings), vars(kling._core.settings), repr(vars(kling)))
image
""",
    """
job = kling.submit("kling-3-image2image", prompt="a fox, from an address", image_url=asset())
print(repr(job), repr(job.request))
job.result()
""",
    """
kling.run("kling-3-image2image", prompt="a fox, from a file", image_url="plum.png")
""",
    """
def done(): return {"status": "COMPLETED", "output": asset(), "metrics": {"cost": 0.04}}
fault("result", "status", code=200, body=done())
mine = kling.run("kling-3-text2image", prompt="an owl at an address with a name in it")
print(repr(mine), mine.path, vars(mine)["path"])
mine
""",
    """
clip = kling.run("kling-3-pro-image2video", prompt="it turns", start_image_url=asset(), duration="3")
clip.last_frame()
""",
    """
print(kling.run_sync("mock-inference", sleep=0.1), kling.credits(), kling.history())
kling.jobs()
""",
    """
kling.upload("teal.png")
""",
)
SHOWN = (
    """
form = kn.form("kling-3-pro-image2video", kling)
form.values = {"prompt": "a letter", "start_image_url": asset(),
               "elements": [{"frontal_image_url": asset()}]}
form
""",
    """
form.generate().result()
""",
    """
gallery = kn.gallery(kling)
for piece in gallery._shown: gallery.enlarge(piece)
gallery
""",
    """
kn.studio() if hasattr(kn, "studio") else None
""",
    """
batch = kling.batch([{"model": "kling-3-image2image", "prompt": f"a hare {n}",
    "image_url": asset()} for n in range(3)])
batch.wait(60)
batch
""",
    """
%load_ext kling_nb
%kling jobs
""",
    """
cassette = kn.Client(base_url=service.base_url, time_scale=4000, reuse=False,
    transport=Recorder("cassette.json"))
wanted = {"prompt": "a cassette", "image_url": asset()}
cassette.run("kling-3-image2image", **wanted)
fault("submit", "status", code=401, body={"error": echo()})
tried(lambda: cassette.submit("kling-3-text2image", prompt="refused while recorded"))
replayed = recorded("cassette.json", base_url=service.base_url)
tried(lambda: replayed.run("kling-3-image2image", **wanted))
tried(lambda: replayed.run("kling-3-text2image", prompt="never recorded, by nobody"))
""",
)
FAILS = (
    """
body = {"error": echo(), "message": echo(), "headers": {"x-api-key": echo()}}
fault("submit", "status", code=401, body=body)
del body
kling.submit("kling-3-text2image", prompt="refused")
""",
    """
fault("submit", "status", code=500, body=echo())
kling.submit("kling-3-image2image", prompt="broken", image_url=asset())
""",
    """
fault("submit", "html", code=502, body=f"<h1>{echo()}</h1>")
kling.submit("kling-3-text2image", prompt="a page")
""",
    """
fault("submit", "drop_after")
kling.run("kling-3-image2image", prompt="lost", image_url=asset())
""",
    """
fault("submit", "drop_before", times=9)
kling.run("kling-3-image2image", prompt="lost on the way", image_url=asset())
""",
    """
service._script.clear()
fault("submit", "fail", detail=echo())
kling.run("kling-3-image2image", prompt="failed", image_url=asset())
""",
    """
fault("result", "status", code=200, body=done())
fault("download", "status", code=404, times=None)
kling.run("kling-3-text2image", prompt="not to be had", timeout=60)
""",
    """
service._script.clear()
fault("result", "status", code=200, body={**done(), "output": None, "message": echo()}, times=None)
kling.run("kling-3-text2image", prompt="nothing in it", timeout=60)
""",
    """
service._script.clear()
fault("upload", "status", code=400, body={"error": echo()})
kling.upload(Image.new("RGB", (320, 320), "navy"))
""",
    """
fault("sync", "status", code=403, body={"error": echo()})
kling.run_sync("mock-inference", sleep=1)
""",
    """
fault("credits", "redirect", url=f"http://{mail()}")
kling.credits()
""",
    """
batch = kling.batch([{"model": "mock-inference", "n": n} for n in range(3)])
for n in range(3): fault("submit", "status", code=400, body={"error": f"{n} {echo()}"})
broken = kling.batch([{"model": "mock-inference", "m": n, "image_url": asset()} for n in range(3)])
broken.results(30, strict=True)
""",
    """
kn.Client(api_key=key() + " spoilt", base_url=service.base_url)
""",
    """
kn.Client(base_url=f"http://{mail()}:1/")
""",
    """
kn.Kling3ImageToImage(prompt="x" * 9000, image_url=asset() + mail(), aspect_ratio=asset())
""",
    """
kling.resume(mail())
""",
    """
from helpers import EagerClock  # its pauses would be two minutes
gone = kn.Client(base_url="http://127.0.0.1:9", home="elsewhere", clock=EagerClock())
gone.credits()
""",
    """
gone.submit("kling-3-image2image", prompt="nobody there", image_url=asset())
""",
)
END = """
for client in (kling, cassette, replayed, gone): client.close()
service.close()
"""
CELLS = [START, *MAIN, *SHOWN, *FAILS, END]
