"""The harness: a Verilog test bench that plays a file of beats into the core and logs all.

It runs at the simulator's speed: Python only starts it and reads the log. The stimuli file holds
one record per beat: a byte that is 1 for the last beat of a sample, then tdata, high byte first.
Plus arguments:

    +stimuli=FILE  +log=FILE
    +isolated=1    wait until the core is idle before the next sample
    +stall=N       0 never stalls; else beats are withheld and results refused, at random from seed
                   N: both, the beats only, the results only, neither, each for 256 cycles
    +refuse=1      with +stall: never take a word in the cycle it is first offered
    +x=1           what lies on tdata while no beat is offered is unknown, in a simulator that
                   knows four states
    +waves=FILE    dump the waveforms, if the simulator was built for it
    +waves_from=N  once N samples have been played

A line of the log is one of (numbers in hexadecimal but cycles and counts)

    s CYCLE              the first beat of a sample is taken
    m CYCLE LAST WORD    a word of a result is taken
    l N PAYLOAD          layer N of the description tells an item at its probe
    u CYCLE              a word that was offered is taken back or changed
    i CYCLE              a core that was idle, and got no beat, has a word or tells an item
    e CYCLE REFUSED      the end: all samples are played, the core is idle; beats it refused
    q CYCLE QUIET        the end: nothing moved for so many cycles
    x CYCLE              the end: more results than samples begun

What lies on tdata while no beat is offered is noise. The core says itself when it is idle.
"""

from typing import Any

__all__ = ["harness"]

# Cycles without any beat or result after which the run is given up.
QUIET = 500_000

HARNESS = """\
// Test bench of {top}: plays +stimuli, writes +log. Made by spikeline; yours without conditions.
`timescale 1ns / 1ns
module harness;
  reg clk /*verilator public_flat_rw*/ = 0;
  reg rst /*verilator public_flat_rw*/ = 1;
  reg done /*verilator public_flat_rw*/ = 0;
  integer stimuli, log, isolated, unknown, quiet, got, begun, samples, results, waves_from;
  reg [31:0] stall, refuse, cycle, noise, between;
  reg [{in_high}+8:0] word, fetched;
  reg has_word, more, open, waiting, moved, rested, waves;
  reg [8*1024-1:0] path, waves_path;

  reg gap, hold;  // the source withholds, the sink refuses
  wire valid = has_word & ~gap & ~(waiting & (isolated != 0)) & ~rst;
  wire [{in_high}:0] beat = valid ? word[{in_high}:0] : {{{noises}{{between}}}};
  wire beat_last = valid ? word[{in_high}+1] : between[5];
  wire ready, m_valid, m_last, idle;
{wires}  wire [{out_high}:0] m_data;
  wire [15:0] refused;
  wire m_ready = ~hold & ~rst;
  reg offered, offered_last;  // a word that was not taken
  reg [{out_high}:0] offered_data;

  {top} dut (
    .clk(clk), .rst(rst), .refused(refused), .idle(idle),
    .s_axis_tdata(beat), .s_axis_tvalid(valid), .s_axis_tready(ready), .s_axis_tlast(beat_last),
    .m_axis_tdata(m_data), .m_axis_tvalid(m_valid), .m_axis_tready(m_ready),
    .m_axis_tlast(m_last){pins}
  );

  task fetch;
    begin
      got = $fread(fetched, stimuli);
      more = got == {in_bytes};
      word <= fetched;
      has_word <= more;
    end
  endtask

  initial begin
    isolated = 0; stall = 0; refuse = 0; unknown = 0; cycle = 0; quiet = 0; waves_from = 0;
    open = 0; waiting = 0; gap = 0; hold = 0; begun = 0; samples = 0; results = 0; rested = 0;
    offered = 0; between = 0;
    if (!$value$plusargs("stimuli=%s", path)) path = "stimuli.bin";
    stimuli = $fopen(path, "rb");
    if (!$value$plusargs("log=%s", path)) path = "run.log";
    log = $fopen(path, "w");
    if (stimuli == 0 || log == 0) begin
      $display("harness: stimuli must be readable and the log writable");
      $finish;
    end
    got = $value$plusargs("isolated=%d", isolated);
    got = $value$plusargs("stall=%d", stall);
    got = $value$plusargs("refuse=%d", refuse);
    got = $value$plusargs("x=%d", unknown);
    got = $value$plusargs("waves_from=%d", waves_from);
    waves = $value$plusargs("waves=%s", waves_path) != 0;
    noise = stall != 0 ? stall : 1;
    fetch;
  end

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (waves && samples >= waves_from) begin
      $dumpfile(waves_path);
      $dumpvars;
      waves = 0;
    end
    if (!rst && !done) begin
      // xorshift32
      noise = noise ^ (noise << 13);
      noise = noise ^ (noise >> 17);
      noise = noise ^ (noise << 5);
      between <= unknown != 0 ? 32'bx : noise;
      if (stall != 0) begin
        // What is offered stays offered; a sink may do as it likes.
        case (cycle[9:8])
          0: begin gap <= noise[0] & noise[7]; hold <= noise[3] | noise[9]; end
          1: begin gap <= noise[0] | noise[7] | noise[2]; hold <= 0; end
          2: begin gap <= 0; hold <= noise[3] | noise[9] | noise[2]; end
          3: begin gap <= 0; hold <= 0; end
        endcase
        if (valid & ~ready) gap <= 0;
        if (refuse != 0) hold <= ~(m_valid & hold);
      end
      moved = 0;
      if (valid && ready) begin
        if (!open) begin
          $fwrite(log, "s %0d\\n", cycle);
          begun = begun + 1;
        end
        open <= ~word[{in_high}+1];
        if (word[{in_high}+1]) begin
          waiting <= 1;
          samples = samples + 1;
        end
        moved = 1;
        fetch;
      end
      if (m_valid && m_ready) begin
        $fwrite(log, "m %0d %x %x\\n", cycle, m_last, m_data);
        moved = 1;
        if (m_last) results = results + 1;
      end
      if (offered && (!m_valid || m_last != offered_last || m_data != offered_data))
        $fwrite(log, "u %0d\\n", cycle);
      offered <= m_valid & ~m_ready;
      offered_last <= m_last;
      offered_data <= m_data;
{taps}
      if (rested && (m_valid{told})) $fwrite(log, "i %0d\\n", cycle);
      rested = idle & ~(valid & ready);
      quiet = moved ? 0 : quiet + 1;
      if (rested) waiting <= 0;
      if (results > begun) begin
        $fwrite(log, "x %0d\\n", cycle);
        $fclose(log);
        done <= 1;
      end else if (quiet == {quiet}) begin
        $fwrite(log, "q %0d %0d\\n", cycle, quiet);
        $fclose(log);
        done <= 1;
      end else if (!more && rested) begin
        $fwrite(log, "e %0d %0d\\n", cycle, refused);
        $fclose(log);
        done <= 1;
      end
    end
  end
endmodule
"""

WIRES = """\
  wire valid{n};
  wire [{high}:0] told{n};
"""
PINS = """,
    .{probe}_valid(valid{n}), .{probe}_data(told{n})"""
TAP = """\
      if (valid{n}) $fwrite(log, "l {n} %x\\n", told{n});
"""


def harness(description: dict[str, Any]) -> str:
    """Write the harness of a top.

    Parameters
    ----------
    description : dict
        What rtl/emit.py writes beside the Verilog.
    """
    layers = [
        {"n": n, "probe": layer["probe"], "high": layer["bits"] - 1}
        for n, layer in enumerate(description["layers"])
    ]
    return HARNESS.format(
        top=description["name"],
        in_high=description["s_axis"]["tdata_bits"] - 1,
        in_bytes=description["s_axis"]["tdata_bits"] // 8 + 1,
        noises=-(-description["s_axis"]["tdata_bits"] // 32),
        out_high=description["m_axis"]["tdata_bits"] - 1,
        wires="".join(WIRES.format(**layer) for layer in layers),
        pins="".join(PINS.format(**layer) for layer in layers),
        taps="".join(TAP.format(**layer) for layer in layers),
        told="".join(f" || valid{layer['n']}" for layer in layers),
        quiet=QUIET,
    )
