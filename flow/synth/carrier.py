"""The carrier of a design that is placed: a module with four pins, a flip-flop at every port."""

from collections.abc import Iterable

from .hierarchy import Module, escaped

__all__ = ["carrier"]


def carrier(top: Module, name: str) -> str:
    """Write the module `carrier`: a shift register around every port, on four pins."""
    data = {port: width for port, width in top.inputs.items() if port not in ("clk", "rst")}
    # Nobody looks at probes (rtl/accelerator.py): left open, they cost nothing.
    seen = {port: width for port, width in top.outputs.items() if not port.startswith("probe_")}
    given, taken = sum(data.values()), sum(seen.values())
    links = [f".{port}({port})" for port in top.inputs if port in ("clk", "rst")]
    links += [*_slices("given", data.items()), *_slices("seen", seen.items())]
    return f"""module carrier (input clk, input rst, input i, output o);
  reg [{given - 1}:0] given;
  reg [{taken - 1}:0] taken, held;
  wire [{taken - 1}:0] seen;
  always @(posedge clk) begin
    given <= {{given, i}};
    held <= seen;
    taken <= {{taken, given[{given - 1}]}} ^ held;
  end
  assign o = taken[{taken - 1}];
  {escaped(name)} dut ({", ".join(links)});
endmodule
"""


def _slices(register: str, ports: Iterable[tuple[str, int]]) -> list[str]:
    """Connect ports to the bits of a register, one after another."""
    links, at = [], 0
    for name, width in ports:
        links.append(f".{escaped(name)} ({register}[{at} +: {width}])")
        at += width
    return links
