"""Write docs/api.md, the page of what a user calls, from the docstrings: `make docs`.

What stands on the page, and in which order, is `PAGE`; all words but its own come from the code.
"""

import inspect
import re
import textwrap
from collections import Counter
from dataclasses import is_dataclass
from fractions import Fraction
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "api.md"
BEGIN = """\
# What there is

The names that a user needs, as their docstrings tell them; `make docs` writes this page. Those that
begin with `q.` are had by `from spikeline import quant as q`, which imports each when it is first
used; of all others the import is told. What each kind computes is in
[architecture.md](architecture.md), and a walk from data to Verilog in [tutorial.md](tutorial.md).
"""
Q = "spikeline.quant"
# Sections: what stands in each, a module or `module:name`, and which of its members do.
PAGE: dict[str, dict[str, tuple[str, ...]]] = {
    "Networks": {
        f"{Q}:Sequential": (),
        f"{Q}:Graph": ("input", "layer", "output", "architecture"),
        f"{Q}:Architecture": ("build",),
        f"{Q}:LayerSpec": (),
        f"{Q}:ConnectionSpec": (),
        f"{Q}:Network": ("forward", "decide", "load_float", "export"),
        f"{Q}.network:Trace": (),
        f"{Q}.network:Output": (),
        f"{Q}.floats:load_float": (),
        f"{Q}:thaw": (),
    },
    "Synapses": {
        f"{Q}:{x}": ()
        for x in (
            *("Linear", "DelayedLinear", "Conv1d", "Conv2d", "Conv3d"),
            *("Dcls1d", "Dcls2d", "Dcls3d"),
        )
    },
    "Neurons": {
        f"{Q}:{name}": () for name in ("TTFS", "IF", "LIF", "LI", "PSN", "MaskedPSN", "SlidingPSN")
    },
    "Whole layers": {f"{Q}:MaxPool2d": ()},
    "Gradients of a spike": {f"{Q}:ATan": (), f"{Q}:Sigmoid": (), f"{Q}:Triangle": ()},
    "Codings": {f"{Q}:Counts": (), f"{Q}:Latency": (), f"{Q}:Graded": ()},
    "Views": {f"{Q}:{x}": () for x in ("AvgPool2d", "Crop", "Flatten", "SumPool2d", "Upsample")},
    "Readouts": {"spikeline.model.readouts": (), "spikeline.model.readouts:readout": ()},
    "Training": {
        f"{Q}:Training": (),
        f"{Q}.readouts.losses": (),
        f"{Q}:fit": (),
        f"{Q}:Trained": ("save",),
        f"{Q}:Progress": (),
        f"{Q}:Schedule": (
            "parameters",
            "begin",
            "enter",
            "step",
            "settle",
            "finish",
            "choose",
            "delayed",
            "norms",
        ),
    },
    "Recipes": {
        f"{Q}:Recipe": (),
        f"{Q}:recipe": (),
        f"{Q}:read": (),
        f"{Q}.recipes.reader": (),
        f"{Q}:train": (),
    },
    "The frozen network": {
        "spikeline.model.store:load": (),
        "spikeline.model.network:Network": ("run", "save", "encode", "width", "classes", "shape"),
        "spikeline.model.network:Run": ("events",),
        "spikeline.model.readouts.protocol:Decision": (),
        "spikeline.model.network:accuracy": (),
        "spikeline.model.store:content_hash": (),
        "spikeline.flow.zoo.zoo:resolve": (),
        "spikeline.flow.zoo.zoo:Named": (),
    },
    "Data": {
        "spikeline.flow.data.data": (),
        "spikeline.flow.data.data:load": (),
        "spikeline.flow.data.data:Data": ("counted", "targets", "shaped", "cut"),
    },
    "Verilog": {
        "spikeline.plan.mapping:Mapping": ("of",),
        "spikeline.plan.search:search": (),
        "spikeline.plan.search:Found": ("options",),
        "spikeline.plan.area:estimate": (),
        "spikeline.plan.area:Area": (),
        "spikeline.rtl.emit:emit": (),
        "spikeline.rtl.emit:Emitted": (),
        "spikeline.cosim.run:cosim": (),
        "spikeline.cosim.run:Result": (),
    },
    "Errors": {
        "spikeline.model.errors:SpikelineError": (),
        "spikeline.model.errors:InputError": (),
        "spikeline.model.errors:MissingTool": (),
        "spikeline.model.errors:ToolFailed": (),
    },
}
WIDTH = 100


def title(path: str) -> str:
    """Name what stands on the page, as a heading does: ``q.fit``, ``model.store.load``."""
    module, _, name = path.partition(":")
    return (
        f"q.{name}" if name and module == Q else path.removeprefix("spikeline.").replace(":", ".")
    )


def headings() -> list[str]:
    """List the headings of the page, in order, below its title."""
    found = []
    for section, names in PAGE.items():
        found.append(section)
        for path, members in names.items():
            found += [title(path), *(f"{title(path)}.{member}" for member in members)]
    return found


def anchors() -> dict[str, str]:
    """Give the anchors that GitHub makes of the headings, numbered where several are equal."""
    seen: Counter[str] = Counter()
    made = {}
    for heading in headings():
        word = re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        made.setdefault(heading, f"#{word}-{seen[word]}" if seen[word] else f"#{word}")
        seen[word] += 1
    return made


ANCHORS = anchors()
NAMED = [path for section in PAGE.values() for path in section if ":" in path]
# Where the names that a docstring quotes are explained; the first of equal ones.
KNOWN = {path.partition(":")[2]: ANCHORS[title(path)] for path in reversed(NAMED)}


def found(path: str) -> Any:
    """Import what stands on the page."""
    module, _, name = path.partition(":")
    made = import_module(module)
    return getattr(made, name) if name else made


def call(name: str, value: Any) -> str:
    """Write how something is called: its name, its parameters and their defaults."""
    signature = inspect.signature(value)
    parameters = [
        p.replace(annotation=p.empty, default=default(p.default))
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    ]
    text = str(signature.replace(parameters=parameters, return_annotation=signature.empty))
    return "\n".join(textwrap.wrap(name + text, WIDTH, subsequent_indent=" " * 4))


class Written(str):
    """Code, which stands in a signature as it is."""

    def __repr__(self) -> str:
        return str(self)


def default(value: Any) -> Any:
    """Write a default: strings in double quotes, 1/12 for 0.08333333333333333."""
    if isinstance(value, str):
        return Written(f'"{value}"')
    if isinstance(value, float) and len(repr(value)) > 8:
        return Written(Fraction(value).limit_denominator(99))
    return value


def marked(text: str) -> str:
    """Make text Markdown: stars as they are, and links to what it names; code stays."""

    def line(text: str) -> str:
        return text if text.startswith(" " * 4) else re.sub(r"(``.+?``|`.+?`)|[^`]+", part, text)

    def part(match: re.Match[str]) -> str:
        if code := match[1]:
            name = code.strip("`")
            # Two backticks quote what is written, one names what is meant.
            known = name in KNOWN and not code.startswith("``")
            return f"[`{name}`]({KNOWN[name]})" if known else f"`{name}`"
        return re.sub(r"[\w/]+\.py\b", source, re.sub(r"([*<])", r"\\\1", match[0]))

    def source(match: re.Match[str]) -> str:
        return f"[{match[0]}](../{match[0]})" if (ROOT / match[0]).is_file() else match[0]

    return "\n".join(map(line, text.splitlines()))


def listed(items: list[tuple[str, str, str]]) -> str:
    """List parameters and their like: names, what they are, and what is said of them."""
    lines = []
    for (kind, told), several in groupby(items, lambda item: item[1:]):
        names = ", ".join(f"`{name}`" for item in several for name in item[0].split(", ") if name)
        end = "." if kind and told and kind[-1] not in ".:" else ""
        said = marked(" ".join((kind + end + " " + told).split()))
        lines.append(f"- {names}: {said}" if names else f"- {said}")
    return "\n".join(lines)


def sections(value: Any) -> dict[str, Any]:
    """Parse a docstring into its sections, by kind: text, or a list of what it is about."""
    found = griffe.Docstring(inspect.getdoc(value) or "").parse("numpy")
    made = {}
    for section in found:
        kind, said = section.kind.value, section.value
        if kind == "raises":
            said = [("", f"`{i.annotation}`:", i.description) for i in said]
        elif kind != "text":
            said = [(i.name, i.annotation or "", i.description) for i in said]
        made[kind] = said
    assert len(made) == len(found), f"{value} has two sections of a kind"
    return made


def described(value: Any) -> list[str]:
    """Give the parts of a docstring, each a paragraph, a list or a heading.

    A dataclass has the parameters of those that it builds on, too.
    """
    parts, own = [], sections(value)
    if is_dataclass(value) and isinstance(value, type) and "attributes" not in own:
        items = own.setdefault("parameters", [])
        for base in value.__mro__[1:-1]:
            told = {name for name, *_ in items}
            items += [x for x in sections(base).get("parameters", ()) if x[0] not in told]
    for kind, said in own.items():
        parts += [f"{kind.capitalize()}:"] if kind in ("returns", "raises") else []
        parts.append(marked(said) if kind == "text" else listed(said))
    return [part for part in parts if part]


def entry(path: str, members: tuple[str, ...]) -> list[str]:
    """Write what there is to say of a name, and of its members."""
    module, _, name = path.partition(":")
    value, heading = found(path), title(path)
    parts = [f"### {heading}"] if name else []
    # What a user is given, or catches, nobody calls.
    given = isinstance(value, type) and (
        "attributes" in sections(value) or issubclass(value, Exception)
    )
    lines = [f"from {module} import {name}"] if name and module != Q else []
    lines += ["", call(name, value)] if name and not given else []
    parts += ["```text\n" + "\n".join(lines).strip() + "\n```"] if lines else []
    parts += described(value)
    bases = value.__mro__[1:] if isinstance(value, type) else ()
    more = [f"[`{title(x)}`]({ANCHORS[title(x)]})" for x in NAMED if found(x) in bases]
    parts += [f"It is a {' and a '.join(more)}, too."] if more else []
    for member in members:
        of = inspect.getattr_static(value, member)
        parts.append(f"#### {heading}.{member}")
        if isinstance(of, property):
            text, *rest = described(of)
            parts += [f"*Property.* {text}", *rest]
        else:
            called = call(f"{name}.{member}", getattr(value, member))
            parts += [f"```text\n{called}\n```", *described(of)]
    return parts


def page() -> str:
    """Make the whole page."""
    index = []
    for section, paths in PAGE.items():
        names = [f"[`{title(path)}`]({ANCHORS[title(path)]})" for path in paths if ":" in path]
        index.append(f"- [{section}]({ANCHORS[section]}): {', '.join(names)}")
    parts = [BEGIN.strip(), "\n".join(index)]
    for section, paths in PAGE.items():
        parts.append(f"## {section}")
        for path, members in paths.items():
            parts += entry(path, members)
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
