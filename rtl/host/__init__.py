"""Hosts: what connects an accelerator to a bus. A new one is a file here and a line below."""

from .axi_stream import AxiStream

__all__ = ["HOSTS"]

HOSTS = {AxiStream.kind: AxiStream}
