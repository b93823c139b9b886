"""The sandbox: a faithful stand-in for the hosted Kling models, on loopback.

    with Sandbox() as sb:
        print(sb.base_url, sb.key)

It knows the service by its published pages only and imports nothing from the rest of the package,
so that a mistake about a limit cannot be made twice in the same way and pass unnoticed. Everything it
paints carries a small "sandbox" mark. In a prompt, ``[sandbox:fail REASON]`` makes the job fail with
that reason, ``[sandbox:moderate]`` makes it fail as a content block and ``[sandbox:stuck]`` leaves it in
PROCESSING for good. Prices are sandbox prices: the published ends with fitted middles.
"""

from .app import Seen
from .faults import Fault
from .server import Sandbox
from .shapes import Shapes

__all__ = ["Fault", "Sandbox", "Seen", "Shapes"]
