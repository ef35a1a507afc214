"""The cache folder as other programs see it: where they keep what they compiled.

Programs that come as WebAssembly are compiled when they first run. Yosys as Amaranth brings it
keeps that in ``wasmtime`` of the folder that XDG_CACHE_HOME names; the others, which YoWASP brings,
where YOWASP_CACHE_DIR says. Matplotlib keeps what it knows of fonts where MPLCONFIGDIR says, and
reads its settings there. Whoever sets one of the last two himself is obeyed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import InputError
from .store import cache_folder, place

__all__ = ["caching", "check", "environment"]


def environment() -> dict[str, str]:
    """Name the environment variables that lead other programs below the cache folder."""
    folder = cache_folder().absolute()
    own = {"YOWASP_CACHE_DIR": "yowasp", "MPLCONFIGDIR": "matplotlib"}
    below = {name: os.environ.get(name) or str(folder / room) for name, room in own.items()}
    return {"XDG_CACHE_HOME": str(folder), **below}


def check() -> None:
    """Refuse a cache folder that cannot be written to."""
    folder = cache_folder()
    try:
        _, probe = place(folder / "any")
        probe.touch()
        probe.unlink(missing_ok=True)  # another thread's probe has the same name
    except (OSError, InputError):
        raise InputError(
            f"Cache folder {folder} must be one that can be written to;"
            " SPIKELINE_CACHE names another"
        ) from None


@contextmanager
def caching() -> Iterator[None]:
    """Lead the programs that this process starts, or loads, meanwhile to the cache folder.

    Raises
    ------
    InputError
        If what is done here fails, and the cache folder cannot be written to.
    """
    wanted = environment()
    before = {name: os.environ.get(name) for name in wanted}
    try:
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
    except Exception:
        check()
        raise
