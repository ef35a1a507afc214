"""The compiled simulation of stages, cycle by cycle.

A cycle goes twice through the list. Forward: queues show what they hold, and stages without latency
what comes to them. Backward: every stage tells the one before whether it takes its item, knowing
already what the one behind does, and enters its next state. What is written into a queue shows in
the next cycle. Where nothing changed, time jumps to the next cycle in which a stage has something
to do.

An item is a place among the recorded spikes: of an event that of its value, of a vector that of its
lanes, which are as many as its width tells; without a width it has no event. Place 0 holds a 1.
"""

from typing import Any

import numpy as np

from ..model.extras import missing
from .pipeline import IN_FLIGHT
from .stages import (
    FINAL,
    SPIKES,
    Filter,
    Fork,
    Framer,
    Join,
    Line,
    Membranes,
    Pixels,
    Player,
    Queue,
    Readout,
    Replay,
    Scatter,
    Serializer,
    Skid,
    Soma,
    Spikes,
    Taker,
)

try:
    from numba import njit
except ModuleNotFoundError as error:
    raise missing(error) or error from None

__all__ = ["simulate"]

FRAMER, PIXELS, SKID, SERIALIZER = Framer.kind, Pixels.kind, Skid.kind, Serializer.kind
QUEUE, JOIN, FILTER = Queue.kind, Join.kind, Filter.kind
SCATTER, LINE, SOMA, READOUT = Scatter.kind, Line.kind, Soma.kind, Readout.kind
PLAYER, TAKER = Player.kind, Taker.kind
FORK, MEMBRANES, SPIKES_OUT = Fork.kind, Membranes.kind, Spikes.kind
REPLAY = Replay.kind

# Columns of a stage. What it is: the place of its links in memory, and how many; the first of them;
# its numbers, as plan/stages.py gives them.
KIND, LINKS, LINKED, SOURCE, NUMBERS = 0, 1, 2, 3, 4
# Its state. What it offers, and whether that is taken; cycles from which on something happens by
# itself; an item that is held, in the order of the one offered; then what each kind has beside.
STATE = 20
VALID, PLACE, ADDRESS, WIDTH, FLAGS, READY = range(STATE, STATE + 6)
FREE, NEXT, PIPE = range(STATE + 6, STATE + 9)
HELD = STATE + 9
OWN = HELD + 5
COLUMNS = OWN + 10

# What all share: results, those that can be seen, samples begun; samples, steps, the first sample
# and the one behind the last.
ANSWERED, SEEN, BEGUN, SAMPLES, STEPS, LOW, HIGH, SHARED = range(8)

TICK, LAST, ENDS, FINALE, FIRES = 1, 2, 3, 4, 8
NEVER = 1 << 62

# What is called from within alone needs no way in from Python; as nothing here makes an array,
# nobody need count who holds one (three quarters of the time otherwise).
OPTIONS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
_inner = njit(error_model="numpy", **OPTIONS)


@_inner
def _copy(st, s, to, u, of):
    for k in range(5):
        st[s, to + k] = st[u, of + k]


@_inner
def _put(st, s, to, place, address, width, flags):
    """Make an item: the one offered, or the one held."""
    st[s, to] = 1
    st[s, to + 1] = place
    st[s, to + 2] = address
    st[s, to + 3] = width
    st[s, to + 4] = flags


@_inner
def _byte(spikes, place):
    """What was recorded at a place; eight places are one word, the first lies lowest."""
    return np.int64((spikes[place >> 3] >> np.uint64(8 * (place & 7))) & np.uint64(255))


@_inner
def _next(spikes, place, end):
    """The first place from one on that is not 0; `end` if none before that is."""
    while place < end:
        word = spikes[place >> 3] >> np.uint64(8 * (place & 7))
        if word:
            while not word & np.uint64(255):
                word >>= np.uint64(8)
                place += 1
            return min(place, end)
        place = (place | 7) + 1
    return end


@_inner
def _value(st, spikes, s):
    """The value of the event that a stage offers."""
    return _byte(spikes, st[s, PLACE]) if st[s, WIDTH] > 0 else 0


@_inner
def _any(spikes, place, width):
    """Whether there is a spike among lanes."""
    return _next(spikes, place, place + width) < place + width


@_inner
def _busy(st, memory, spikes, s, u):
    """Cycles that a stage takes for the event that another offers."""
    value, table = _value(st, spikes, u), st[s, NUMBERS + 1]
    if value and table >= 0:
        return value * memory[table + st[u, ADDRESS]]
    return value * st[s, NUMBERS]


@_inner
def _skid(st, s):
    u = st[s, SOURCE]
    st[u, READY] = 1 - st[s, HELD]
    arrives = st[u, VALID] and not st[s, HELD]
    if not st[s, VALID] or st[s, READY]:
        if st[s, HELD]:
            _copy(st, s, VALID, s, HELD)
            st[s, HELD] = 0
            return True
        left = st[s, VALID] > 0
        st[s, VALID] = 0
        if arrives:
            _copy(st, s, VALID, u, VALID)
        return left or arrives
    if arrives:
        _copy(st, s, HELD, u, VALID)
    return arrives


# Columns of a serializer: the chunk that is next, and the one behind; -1 is none.
CHUNK, THEN = OWN, OWN + 1


@_inner
def _chunk(st, spikes, s, after):
    """The first chunk of the vector held that is not empty, from one on."""
    size, place, width = st[s, NUMBERS], st[s, HELD + 1], st[s, HELD + 3]
    lane = _next(spikes, place + after * size, place + width) - place
    return lane // size if lane < width else -1


@_inner
def _serializer(st, spikes, s):
    u, size = st[s, SOURCE], st[s, NUMBERS]
    free = not st[s, VALID] or st[s, READY]
    takes = not st[s, HELD] or (not st[s, NUMBERS + 1] and free and st[s, THEN] < 0)
    changed = False
    if free:
        changed = st[s, VALID] or st[s, HELD]
        st[s, VALID] = 0
        if st[s, HELD]:
            at = max(st[s, CHUNK], 0) * size
            width = min(size, st[s, HELD + 3] - at) if st[s, CHUNK] >= 0 else 0
            flags = st[s, HELD + 4] if st[s, THEN] < 0 else 0
            _put(st, s, VALID, st[s, HELD + 1] + at, st[s, HELD + 2] + at, width, flags)
            if st[s, THEN] < 0:
                st[s, HELD] = 0
            else:
                st[s, CHUNK] = st[s, THEN]
                st[s, THEN] = _chunk(st, spikes, s, st[s, THEN] + 1)
    st[u, READY] = takes
    if takes and st[u, VALID]:
        _copy(st, s, HELD, u, VALID)
        st[s, CHUNK] = _chunk(st, spikes, s, 0)
        more = st[s, CHUNK] >= 0
        st[s, THEN] = _chunk(st, spikes, s, st[s, CHUNK] + 1) if more else -1
        changed = True
    return changed


# Columns of a queue: how many it holds, where the first is; the room that its writer knows of, and
# what comes back to that in the next cycle and in the one behind. The item held is being written.
COUNT, HEAD, ROOM, BACK, LATER = range(OWN, OWN + 5)


@_inner
def _queue_shows(st, memory, s):
    changed = st[s, BACK] + st[s, LATER] > 0
    st[s, ROOM] += st[s, BACK]
    st[s, BACK] = st[s, LATER]
    st[s, LATER] = 0
    ring, depth = st[s, NUMBERS], st[s, NUMBERS + 1]
    if st[s, HELD]:
        at = ring + 4 * ((st[s, HEAD] + st[s, COUNT]) % depth)
        for k in range(4):
            memory[at + k] = st[s, HELD + 1 + k]
        st[s, COUNT] += 1
        st[s, HELD] = 0
        changed = True
    if st[s, COUNT] and not st[s, VALID]:
        at = ring + 4 * st[s, HEAD]
        _put(st, s, VALID, memory[at], memory[at + 1], memory[at + 2], memory[at + 3])
    return changed


@_inner
def _queue(st, s):
    if not (st[s, VALID] and st[s, READY]):
        return False
    st[s, VALID] = 0
    st[s, COUNT] -= 1
    st[s, HEAD] = (st[s, HEAD] + 1) % st[s, NUMBERS + 1]
    st[s, LATER] += 1
    return True


# Columns of a join: the edge that is taken, and whether what comes back is dropped.
EDGE, DROPS = OWN, OWN + 1


@_inner
def _join_shows(st, memory, spikes, s):
    edge = st[s, EDGE]
    u = memory[st[s, LINKS] + edge]
    event = _value(st, spikes, u) > 0 and not st[s, DROPS]
    flags = st[u, FLAGS] & ENDS if edge == st[s, LINKED] - 1 else 0
    base = memory[st[s, NUMBERS + 1] + edge]
    _put(st, s, VALID, st[u, PLACE], base + st[u, ADDRESS], event, flags)
    st[s, VALID] = st[u, VALID] and (event or flags > 0)


@_inner
def _join(st, memory, s):
    links, back, edge = st[s, LINKS], st[s, NUMBERS], st[s, EDGE]
    for k in range(st[s, LINKED]):
        st[memory[links + k], READY] = 0
    u = memory[links + edge]
    takes = st[u, VALID] and (st[s, READY] or not st[s, VALID])
    st[u, READY] = takes
    if takes and st[u, FLAGS] & ENDS:
        last = st[u, FLAGS] & LAST > 0
        if st[s, DROPS]:
            st[s, EDGE] += last
            st[s, DROPS] = st[s, EDGE] < back
        elif edge == st[s, LINKED] - 1:
            st[s, EDGE] = 0
            st[s, DROPS] = last and back > 0
        else:
            st[s, EDGE] += 1
    return takes


# Column of a filter: which of the events that an event becomes is at hand.
MOVED = OWN


@_inner
def _filter_shows(st, memory, spikes, s):
    u, address = st[s, SOURCE], 0
    event, flags = _value(st, spikes, u) > 0, st[u, FLAGS] & ENDS
    if event:
        address = memory[st[s, NUMBERS] + st[u, ADDRESS] * st[s, NUMBERS + 1] + st[s, MOVED]]
        event = address >= 0
    if event and st[s, MOVED] < st[s, NUMBERS + 1] - 1:
        flags = 0
    _put(st, s, VALID, st[u, PLACE], address, event, flags)
    st[s, VALID] = st[u, VALID] and (event or flags > 0)


@_inner
def _filter(st, s):
    u, free = st[s, SOURCE], st[s, READY] or not st[s, VALID]
    passes = st[u, VALID] and free
    more = st[s, VALID] and st[s, WIDTH] and st[s, MOVED] < st[s, NUMBERS + 1] - 1
    st[u, READY] = free and not more
    if passes:
        st[s, MOVED] = st[s, MOVED] + 1 if more else 0
    return passes


@_inner
def _scatter_shows(st, s, now):
    """Offer the end that is held, from NEXT on."""
    if st[s, HELD] and not st[s, VALID] and now >= st[s, NEXT]:
        _put(st, s, VALID, 0, 0, 1, st[s, HELD + 4])
        return True
    return False


@_inner
def _scatter(st, memory, spikes, s, now):
    u, changed = st[s, SOURCE], False
    if st[s, VALID] and st[s, READY]:
        st[s, VALID] = st[s, HELD] = 0
        st[s, FREE] = now + st[s, NUMBERS + 2]
        if st[s, FLAGS] & LAST:
            st[s, FREE] += st[s, NUMBERS + 3]
        changed = True
    st[u, READY] = not st[s, HELD] and now >= st[s, FREE]
    if st[u, READY] and st[u, VALID]:
        busy = now + _busy(st, memory, spikes, s, u)
        st[s, FREE] = max(busy, now + 1)
        if st[u, FLAGS] & ENDS:
            _copy(st, s, HELD, u, VALID)
            st[s, NEXT] = busy + 1
        changed = True
    return changed


# Columns of a line: the end of the step that is collected; whether one is sent, how many rows that
# has and how many are left, and its end. The end held waits for the output register.
END, SENDS, ROWS, LEFT, SENT = range(OWN, OWN + 5)


@_inner
def _rows(st, memory, s, flags):
    """List the inputs with an event in the window, and begin the next step; returns how many."""
    inputs, window = st[s, NUMBERS], st[s, NUMBERS + 1]
    seen, rows, clock = st[s, NUMBERS + 2], st[s, NUMBERS + 3], st[s, NUMBERS + 4]
    count = 0
    if flags & TICK:
        for a in range(inputs):
            if memory[seen + a] > memory[clock] - window:
                memory[rows + count] = a
                count += 1
    # Nothing of a sample is in the window of the next.
    memory[clock] += window if flags & LAST else 1
    return count


@_inner
def _line_sends(st, memory, s, now):
    """Move what is next to the output register."""
    free = not st[s, VALID] or st[s, READY]
    changed = st[s, VALID] and st[s, READY]
    if changed:
        st[s, VALID] = 0
    if st[s, HELD]:
        if not free:
            return changed
        _put(st, s, VALID, 0, 0, 0, st[s, HELD + 4])
        st[s, HELD] = 0
        changed = True
        free = False
    if not st[s, SENDS] or now < st[s, NEXT] or (st[s, LEFT] and not free):
        return changed
    if st[s, LEFT]:
        row = memory[st[s, NUMBERS + 3] + st[s, ROWS] - st[s, LEFT]]
        _put(st, s, VALID, 0, row, 1, 0)
        st[s, LEFT] -= 1
    if not st[s, LEFT]:
        st[s, SENDS] = 0
        st[s, HELD] = 1
        st[s, HELD + 4] = st[s, SENT]
    return True


@_inner
def _line(st, memory, spikes, s, now):
    u, sends = st[s, SOURCE], st[s, SENDS]
    changed = _line_sends(st, memory, s, now)
    # The next step begins behind the last row of the one before.
    begins = st[s, END] > 0 and not sends
    st[u, READY] = begins or not st[s, END]
    if begins:
        st[s, SENT] = st[s, END]
        st[s, ROWS] = st[s, LEFT] = _rows(st, memory, s, st[s, END])
        st[s, NEXT] = now + 3 + (st[s, ROWS] > 0)
        st[s, SENDS] = 1
        st[s, END] = 0
        changed = True
    if st[u, READY] and st[u, VALID]:
        if _value(st, spikes, u):
            memory[st[s, NUMBERS + 2] + st[u, ADDRESS]] = memory[st[s, NUMBERS + 4]]
        st[s, END] = st[u, FLAGS] & ENDS
        changed = True
    return changed


# Columns of a replay: sample and step; the input at hand, and which age of its event is offered.
REPLAY_SAMPLE, REPLAY_STEP, INPUT, AGE = range(OWN, OWN + 4)


@_inner
def _due(st, memory, spikes, s, k, records, samples):
    """The first age from the k-th on in which the input at hand has an event, and its place."""
    inputs, ages = st[s, NUMBERS + 1], st[s, NUMBERS + 2]
    while k < st[s, NUMBERS + 3]:
        step = st[s, REPLAY_STEP] - memory[ages + k]
        place = records[st[s, NUMBERS]] + (step * samples + st[s, REPLAY_SAMPLE]) * inputs
        place += st[s, INPUT]
        if step >= 0 and _byte(spikes, place):
            return k, place
        k += 1
    return k, 0


@_inner
def _offer(st, s, k, place):
    """Offer the event of an age; nothing, if there is none."""
    count = st[s, NUMBERS + 3]
    st[s, AGE], st[s, VALID] = k, 0
    if k < count:
        _put(st, s, VALID, place, st[s, INPUT] * count + k, 1, 0)


@_inner
def _replay(st, memory, spikes, s, records, samples):
    u, passes = st[s, SOURCE], st[s, VALID] and st[s, READY]
    if passes and st[s, FLAGS]:
        st[s, VALID] = 0
    elif passes:
        k, place = _due(st, memory, spikes, s, st[s, AGE] + 1, records, samples)
        _offer(st, s, k, place)
    st[u, READY] = not st[s, VALID]
    if not (st[u, READY] and st[u, VALID]):
        return passes
    st[s, INPUT] = st[u, ADDRESS]
    if st[u, FLAGS] == 0:
        k, place = _due(st, memory, spikes, s, 0, records, samples)
        _offer(st, s, k, place)
        return True
    _copy(st, s, VALID, u, VALID)
    last = st[u, FLAGS] & LAST > 0
    st[s, REPLAY_SAMPLE] += last
    st[s, REPLAY_STEP] = 0 if last else st[s, REPLAY_STEP] + 1
    return True


# Numbers of a soma: cycles of a vector that is swept, steps of a sample that is told as a whole,
# and how it waits.
PASSES, WHOLE, WAITS = NUMBERS + 11, NUMBERS + 12, NUMBERS + 13
# Columns of a soma that waits, of the two latest additions: where their addresses stand, and the
# cycle from which on what they add to can be read.
LATEST, BEFORE = OWN + 6, OWN + 8


@_inner
def _meet(memory, here, there, banks):
    """Whether two additions add to the same accumulators of a bank."""
    for n in range(banks):
        if memory[here + n] >= 0 and memory[here + n] == memory[there + n]:
            return True
    return False


@_inner
def _added(st, memory, spikes, s, u, now):
    """The cycle of the last addition of the event that another stage offers.

    An addition waits until those before it that add to the same accumulators are written. Of an
    event of three or more only the first two may meet any.
    """
    waits = st[s, WAITS]
    total = _busy(st, memory, spikes, s, u)
    if waits == 0 or total == 0:
        return now + total
    banks = st[s, WAITS + 2]
    of = st[s, WAITS + 1] + 4 * banks * st[u, ADDRESS]
    each = total // _value(st, spikes, u)
    for k in range(total if each < 3 else 2):
        here = of + banks * (k % each)
        now += 1
        for j in (LATEST, BEFORE):
            if now < st[s, j + 1] and _meet(memory, here, st[s, j], banks):
                now = st[s, j + 1]
        st[s, BEFORE], st[s, BEFORE + 1] = st[s, LATEST], st[s, LATEST + 1]
        st[s, LATEST], st[s, LATEST + 1] = here, now + waits + 1
    if each >= 3:
        now += total - 2
        st[s, LATEST], st[s, LATEST + 1] = of + 3 * banks, now + waits + 1
        st[s, BEFORE], st[s, BEFORE + 1] = of + 2 * banks, now + waits
    return now


# Columns of a soma: the end that is swept for, the next position; sample and step; what is on its
# way to the queues: how many, where the first is.
SWEEPS, POSITION, SAMPLE, STEP, FLYING, OLDEST = range(OWN, OWN + 6)


@_inner
def _deliver(st, memory, spikes, s):
    """Write what a sweep found, or give its room back."""
    way = st[s, NUMBERS + 8]
    at = way + 5 * st[s, OLDEST]
    place, address, width, flags = memory[at + 1], memory[at + 2], memory[at + 3], memory[at + 4]
    found = flags & ENDS > 0 or _any(spikes, place, width)
    for k in range(1, st[s, LINKED]):
        queue = memory[st[s, LINKS] + k]
        if found or (st[queue, NUMBERS + 2] and flags & FIRES):
            _put(st, queue, HELD, place, address, width, flags)
        else:
            st[queue, LATER] += 1
    st[s, FLYING] -= 1
    st[s, OLDEST] = (st[s, OLDEST] + 1) % (st[s, NUMBERS + 7] + 1)
    if st[s, FLYING]:
        st[s, PIPE] = memory[way + 5 * st[s, OLDEST]]


@_inner
def _sweep(st, memory, spikes, s, now, records, samples):
    """Begin an operation of a sweep, if there is room."""
    for k in range(1, st[s, LINKED]):
        if st[memory[st[s, LINKS] + k], ROOM] == 0:
            return False
    for k in range(1, st[s, LINKED]):
        st[memory[st[s, LINKS] + k], ROOM] -= 1
    neurons, sweep = st[s, NUMBERS + 3], st[s, NUMBERS + 4]
    way, ring = st[s, NUMBERS + 8], st[s, NUMBERS + 7] + 1
    fires, row = st[s, SWEEPS] & TICK, st[s, STEP] * samples + st[s, SAMPLE]
    is_last = st[s, SWEEPS] & LAST
    if st[s, WHOLE] and st[s, STEP] < st[s, WHOLE] - 1:
        is_last = 0
    blank, positions = False, st[s, NUMBERS + 5]
    if st[s, NUMBERS + 9] < 0:
        address = st[s, POSITION] * sweep
        st[s, POSITION] += 1
    else:
        # Of a step that was cut short, none is swept.
        first = records[st[s, NUMBERS + 9]] + row * positions
        at = _next(spikes, first + st[s, POSITION], first + positions) - first
        blank = fires == 0 or at == positions
        address = 0 if blank else at * sweep
        st[s, POSITION] = positions
        if not blank:
            st[s, POSITION] = _next(spikes, first + at + 1, first + positions) - first
    end = st[s, POSITION] == positions
    flags = fires | is_last if end else 0
    if fires:
        flags |= FIRES
    if is_last:
        flags |= FINALE
    at = way + 5 * ((st[s, OLDEST] + st[s, FLYING]) % ring)
    memory[at] = now + st[s, NUMBERS + 7]
    memory[at + 1] = records[st[s, NUMBERS + 2]] + row * neurons + address
    memory[at + 2] = address
    seen = fires and not blank and address < neurons
    memory[at + 3] = min(sweep, neurons - address) if seen else 0
    memory[at + 4] = flags
    st[s, FLYING] += 1
    if st[s, FLYING] == 1:
        st[s, PIPE] = memory[at]
    st[s, NEXT] = now + st[s, PASSES]
    if end:
        if is_last:
            st[s, SAMPLE] += 1
            st[s, STEP] = 0
        else:
            st[s, STEP] += 1
        if st[s, WHOLE] and not is_last:
            st[s, POSITION] = 0
        else:
            st[s, SWEEPS] = 0
            # Behind what was only told, nothing is written.
            st[s, FREE] = now if st[s, WHOLE] else now + st[s, NUMBERS + 6]
    return True


@_inner
def _keep(st, s, busy):
    """Sweep a step whose spikes are told behind the sample; behind the last step begin to."""
    swept = busy + st[s, NUMBERS + 10] + st[s, NUMBERS + 5] + st[s, NUMBERS + 6]
    if st[s, SWEEPS] & LAST:
        st[s, STEP] = 0 if st[s, SWEEPS] & TICK else st[s, WHOLE] - 1
        st[s, NEXT] = swept + st[s, PASSES]
    else:
        st[s, SWEEPS] = 0
        st[s, FREE] = swept


@_inner
def _soma(st, memory, spikes, s, now, records, samples):
    u, changed = st[s, SOURCE], False
    if st[s, FLYING] and st[s, PIPE] == now:
        _deliver(st, memory, spikes, s)
        changed = True
    sweeps = st[s, SWEEPS] and now >= st[s, NEXT]
    if sweeps and _sweep(st, memory, spikes, s, now, records, samples):
        changed = True
    st[u, READY] = not st[s, SWEEPS] and now >= st[s, FREE]
    if st[u, READY] and st[u, VALID]:
        busy = _added(st, memory, spikes, s, u, now)
        st[s, FREE] = max(busy, now + 1)
        st[s, NEXT] = busy + st[s, NUMBERS + 10] + st[s, PASSES]
        st[s, SWEEPS] = st[u, FLAGS] & ENDS
        st[s, POSITION] = 0
        if st[s, WHOLE] and st[s, SWEEPS]:
            _keep(st, s, busy)
        changed = True
    return changed


# Columns of a readout: whether the sample is answered, whether the step has a spike.
IGNORES, SPIKED = OWN, OWN + 1


@_inner
def _readout(st, spikes, s, now, shared, ends):
    u = st[s, SOURCE]
    st[u, READY] = now >= st[s, FREE]
    if not (st[u, READY] and st[u, VALID]):
        return False
    flags, worth = st[u, FLAGS], st[s, NUMBERS]
    tick, final = flags & TICK > 0, flags & FINALE > 0
    spike = _any(spikes, st[u, PLACE], st[u, WIDTH])
    if worth == SPIKES:
        is_worth = spike or final
    else:
        is_worth = worth != FINAL or final
    free = now + 1
    if is_worth and not st[s, IGNORES] and (tick or not flags & LAST):
        st[s, SPIKED] |= spike
        free += st[s, NUMBERS + 1]
        if tick:
            free += st[s, NUMBERS + 2] + 1
            if final or (st[s, NUMBERS + 4] and st[s, SPIKED]):
                ends[shared[LOW] + shared[ANSWERED]] = free
                shared[ANSWERED] += 1
                free += st[s, NUMBERS + 3]
                st[s, IGNORES] = 1
    st[s, FREE] = free
    if tick:
        st[s, SPIKED] = 0
    if flags & LAST:
        st[s, IGNORES] = 0
    return True


# Columns: of membranes, the next position; of spikes, whether that at hand was passed on.
SENT_UP_TO, PASSED = OWN, OWN


@_inner
def _membranes(st, s, now, shared, ends):
    u = st[s, SOURCE]
    st[u, READY] = now >= st[s, FREE]
    if not (st[u, READY] and st[u, VALID]):
        return False
    free = now + 1
    if st[u, FLAGS] & FINALE:
        first = st[s, SENT_UP_TO] * st[s, NUMBERS + 1]
        free += min(max(st[s, NUMBERS] - first, 0), st[s, NUMBERS + 1])
        if first == 0:
            ends[shared[LOW] + shared[ANSWERED]] = now + 2
            shared[ANSWERED] += 1
            free += 1
        st[s, SENT_UP_TO] = 0 if st[u, FLAGS] & TICK else st[s, SENT_UP_TO] + 1
    st[s, FREE] = free
    return True


@_inner
def _spikes(st, spikes, s, now, shared, ends):
    u = st[s, SOURCE]
    st[u, READY] = 1
    if not st[u, VALID]:
        return False
    if st[u, FLAGS] & LAST:
        if _value(st, spikes, u) > 0 and not st[s, PASSED]:
            st[s, PASSED] = 1
            st[u, READY] = 0
        else:
            st[s, PASSED] = 0
            ends[shared[LOW] + shared[ANSWERED]] = now + 1
            shared[ANSWERED] += 1
    return True


@_inner
def _fork(st, memory, s):
    u, links = st[s, SOURCE], st[s, LINKS]
    room = True
    for k in range(1, st[s, LINKED]):
        queue = memory[links + k]
        room = room and st[queue, COUNT] < st[queue, NUMBERS + 1]
    st[u, READY] = room
    if not (room and st[u, VALID]):
        return False
    for k in range(1, st[s, LINKED]):
        queue = memory[links + k]
        _copy(st, queue, HELD, u, VALID)
        st[queue, HELD] = 1
    return True


@_inner
def _may_begin(shared):
    """Whether one more sample may be under way."""
    return shared[BEGUN] - shared[SEEN] < IN_FLIGHT


# Columns of a framer: sample, step and address of the next beat; whether it is within the sample,
# and that is decided. The item held is the one that is looked up.
BEAT_SAMPLE, BEAT_STEP, BEAT_ADDRESS, WITHIN, SKIPS = range(OWN, OWN + 5)


@_inner
def _beat(st, spikes, s, shared, records):
    """Take a beat, make an item of it unless it is dropped."""
    inputs = st[s, NUMBERS + 1]
    sample, step = shared[LOW] + st[s, BEAT_SAMPLE], st[s, BEAT_STEP]
    row = records[st[s, NUMBERS]] + (step * shared[SAMPLES] + sample) * inputs
    address = _next(spikes, row + st[s, BEAT_ADDRESS], row + inputs) - row
    tick = address == inputs
    last = tick and step == shared[STEPS] - 1
    if shared[SEEN] > st[s, BEAT_SAMPLE]:
        st[s, SKIPS] = 1
    if not st[s, SKIPS]:
        flags = (TICK if tick else 0) | (LAST if last else 0)
        _put(st, s, HELD, row + address, address, not tick, flags)
    elif last:
        _put(st, s, HELD, 0, 0, 0, LAST)
    st[s, WITHIN] = not last
    st[s, BEAT_ADDRESS] = 0 if tick else address + 1
    st[s, BEAT_STEP] = 0 if last else step + tick
    if last:
        st[s, BEAT_SAMPLE] += 1
        st[s, SKIPS] = 0


@_inner
def _framer(st, spikes, s, now, shared, records, starts):
    checks = not st[s, VALID] or st[s, READY]
    looks = not st[s, HELD] or checks
    changed = False
    if checks:
        changed = st[s, VALID] or st[s, HELD]
        _copy(st, s, VALID, s, HELD)
        st[s, HELD] = 0
    sample = shared[LOW] + st[s, BEAT_SAMPLE]
    if looks and sample < shared[HIGH] and (st[s, WITHIN] or _may_begin(shared)):
        if not st[s, WITHIN]:
            starts[sample] = now
            shared[BEGUN] += 1
        _beat(st, spikes, s, shared, records)
        changed = True
    return changed


# Columns of a source of pixels: image and word that come in; image, step and word that are looked
# at; which of the two memories are full, as bits.
IMAGE_IN, WORD_IN, IMAGE, IMAGE_STEP, WORD, FULL = range(OWN, OWN + 6)


@_inner
def _look(st, spikes, s, shared, records):
    """Look at the next word of an image, offer it if that is worth it."""
    inputs, lanes = st[s, NUMBERS + 1], st[s, NUMBERS + 2]
    step, address = st[s, IMAGE_STEP], st[s, WORD] * lanes
    tick = address + lanes >= inputs
    last = tick and step == shared[STEPS] - 1
    row = step * shared[SAMPLES] + shared[LOW] + st[s, IMAGE]
    place, width = records[st[s, NUMBERS]] + row * inputs + address, min(lanes, inputs - address)
    if shared[SEEN] > st[s, IMAGE]:
        last = True
        _put(st, s, VALID, 0, 0, 0, LAST)
    elif tick or _any(spikes, place, width):
        _put(st, s, VALID, place, address, width, (TICK if tick else 0) | (LAST if last else 0))
    st[s, WORD] = 0 if tick or last else st[s, WORD] + 1
    st[s, IMAGE_STEP] = 0 if last else step + tick
    if last:
        st[s, FULL] &= ~(1 << (st[s, IMAGE] & 1))
        st[s, IMAGE] += 1


@_inner
def _pixels(st, spikes, s, now, shared, records, starts):
    full, changed = st[s, FULL], False
    if not st[s, VALID] or st[s, READY]:
        changed = st[s, VALID] > 0
        st[s, VALID] = 0
        if full >> (st[s, IMAGE] & 1) & 1:
            _look(st, spikes, s, shared, records)
            changed = True
    sample, bank = shared[LOW] + st[s, IMAGE_IN], st[s, IMAGE_IN] & 1
    within = st[s, WORD_IN] > 0
    if sample < shared[HIGH] and not full >> bank & 1 and (within or _may_begin(shared)):
        if not within:
            starts[sample] = now
            shared[BEGUN] += 1
        st[s, WORD_IN] += 1
        if st[s, WORD_IN] * st[s, NUMBERS + 2] >= st[s, NUMBERS + 1]:
            st[s, WORD_IN] = 0
            st[s, IMAGE_IN] += 1
            st[s, FULL] |= 1 << bank
        changed = True
    return changed


# Column of a player and a taker: items taken.
TAKEN = OWN


@_inner
def _player_shows(st, memory, s, now):
    at = st[s, NUMBERS] + 4 * st[s, TAKEN]
    if st[s, TAKEN] == st[s, NUMBERS + 1] or st[s, VALID]:
        return False
    st[s, NEXT] = memory[at]
    if now < st[s, NEXT]:
        return False
    _put(st, s, VALID, 0, memory[at + 1], memory[at + 2], memory[at + 3])
    return True


@_inner
def _player(st, memory, s, now):
    if not (st[s, VALID] and st[s, READY]):
        return False
    memory[st[s, NUMBERS + 2] + st[s, TAKEN]] = now
    st[s, TAKEN] += 1
    st[s, VALID] = 0
    return True


@_inner
def _taker(st, memory, s, now, shared):
    u = st[s, SOURCE]
    st[u, READY] = memory[st[s, NUMBERS] + now]
    if st[u, READY] and st[u, VALID]:
        memory[st[s, NUMBERS + 2] + st[s, TAKEN]] = now
        st[s, TAKEN] += 1
    if now == st[s, NUMBERS + 1] - 1:
        shared[ANSWERED] = shared[HIGH] - shared[LOW]
    return True


@_inner
def _reset(st, memory, shared, low, high):
    """Make everything as after reset, for samples from `low` to below `high`."""
    st[:, STATE:] = 0
    shared[:SAMPLES] = 0
    shared[LOW], shared[HIGH] = low, high
    for s in range(len(st)):
        if st[s, KIND] == QUEUE:
            st[s, ROOM] = st[s, NUMBERS + 1]
        elif st[s, KIND] == SOMA:
            st[s, SAMPLE] = low
        elif st[s, KIND] == REPLAY:
            st[s, REPLAY_SAMPLE] = low
        elif st[s, KIND] == JOIN:
            st[s, EDGE] = st[s, NUMBERS]
        elif st[s, KIND] == LINE:
            memory[st[s, NUMBERS + 4]] += st[s, NUMBERS + 1]


@_inner
def _forward(st, memory, spikes, now):
    changed = False
    for s in range(len(st)):
        kind = st[s, KIND]
        if kind == QUEUE:
            changed |= _queue_shows(st, memory, s)
        elif kind == SCATTER:
            changed |= _scatter_shows(st, s, now)
        elif kind == PLAYER:
            changed |= _player_shows(st, memory, s, now)
        elif kind == JOIN:
            _join_shows(st, memory, spikes, s)
        elif kind == FILTER:
            _filter_shows(st, memory, spikes, s)
    return changed


@_inner
def _backward(st, memory, spikes, now, shared, records, starts, ends):
    changed = 0
    for s in range(len(st) - 1, -1, -1):
        kind = st[s, KIND]
        if kind == SKID:
            changed |= _skid(st, s)
        elif kind == SERIALIZER:
            changed |= _serializer(st, spikes, s)
        elif kind == QUEUE:
            changed |= _queue(st, s)
        elif kind == SOMA:
            changed |= _soma(st, memory, spikes, s, now, records, shared[SAMPLES])
        elif kind == SCATTER:
            changed |= _scatter(st, memory, spikes, s, now)
        elif kind == LINE:
            changed |= _line(st, memory, spikes, s, now)
        elif kind == REPLAY:
            changed |= _replay(st, memory, spikes, s, records, shared[SAMPLES])
        elif kind == JOIN:
            changed |= _join(st, memory, s)
        elif kind == FILTER:
            changed |= _filter(st, s)
        elif kind == FRAMER:
            changed |= _framer(st, spikes, s, now, shared, records, starts)
        elif kind == PIXELS:
            changed |= _pixels(st, spikes, s, now, shared, records, starts)
        elif kind == READOUT:
            changed |= _readout(st, spikes, s, now, shared, ends)
        elif kind == FORK:
            changed |= _fork(st, memory, s)
        elif kind == MEMBRANES:
            changed |= _membranes(st, s, now, shared, ends)
        elif kind == SPIKES_OUT:
            changed |= _spikes(st, spikes, s, now, shared, ends)
        elif kind == PLAYER:
            changed |= _player(st, memory, s, now)
        elif kind == TAKER:
            changed |= _taker(st, memory, s, now, shared)
    return changed > 0


@_inner
def _awakes(st, now, shared, ends):
    """The next cycle in which something happens by itself; NEVER if there is none."""
    then = NEVER
    for s in range(len(st)):
        for k in (FREE, NEXT, PIPE):
            if now < st[s, k] < then:
                then = st[s, k]
    if shared[SEEN] < shared[ANSWERED]:
        then = min(then, ends[shared[LOW] + shared[SEEN]])
    return then


@_inner
def _stream(st, memory, spikes, shared, records, starts, ends):
    """Play samples back to back until all are answered; returns whether they are."""
    now, wanted = 0, shared[HIGH] - shared[LOW]
    while shared[ANSWERED] < wanted:
        while shared[SEEN] < shared[ANSWERED] and ends[shared[LOW] + shared[SEEN]] <= now:
            shared[SEEN] += 1
        changed = _forward(st, memory, spikes, now)
        changed |= _backward(st, memory, spikes, now, shared, records, starts, ends)
        now = now + 1 if changed else _awakes(st, now, shared, ends)
        if now == NEVER:
            return False
    return True


def simulate(st, memory, spikes, shared, records, starts, ends, alone):
    """Play samples, all back to back or each `alone`; returns how many were answered."""
    if not alone:
        _reset(st, memory, shared, 0, shared[SAMPLES])
        _stream(st, memory, spikes, shared, records, starts, ends)
        return shared[ANSWERED]
    for n in range(shared[SAMPLES]):
        _reset(st, memory, shared, n, n + 1)
        if not _stream(st, memory, spikes, shared, records, starts, ends):
            return n
    return shared[SAMPLES]
