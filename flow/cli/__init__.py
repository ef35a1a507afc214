"""The command line: one module per command; without click it is one sentence."""

import sys

from ...model.errors import MissingTool
from ...model.extras import need

try:
    need("click")
except MissingTool as error:  # the package was installed without its extras
    print(f"spikeline: {error}", file=sys.stderr)
    sys.exit(2)
