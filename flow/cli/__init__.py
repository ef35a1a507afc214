"""The command line: one module per command; without click it is one sentence."""

import sys

try:
    import click  # noqa: F401
except ModuleNotFoundError as error:  # the package was installed without its extras
    if error.name != "click":
        raise
    message = "spikeline: click must be installed for this: pip install 'spikeline[flow]'"
    print(message, file=sys.stderr)
    sys.exit(2)
