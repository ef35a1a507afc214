"""``spikeline zoo``: the networks that ship."""

import click

from .. import show
from ..zoo import zoo
from .options import options

__all__ = ["command"]


@click.command("zoo")
@options("json")
def command(json_to: str | None) -> None:
    """List the networks that ship with spikeline, with the command that made each and its numbers.

    \b
    Example:
      spikeline zoo
      spikeline eval digits-ttfs
    """
    known = zoo.index()
    if not known:
        return show.deliver({}, json_to, "No networks are shipped with this version.")
    hidden = ("file", "command", "hash")
    keys = list(dict.fromkeys(k for entry in known.values() for k in entry if k not in hidden))
    rows = [{"name": name, **{k: e.get(k) for k in keys}} for name, e in known.items()]
    made = [f"{name}: {entry.get('command', '')}" for name, entry in known.items()]
    show.deliver(known, json_to, show.table(rows), "", *made)
