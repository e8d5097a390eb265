"""How a sweep in several processes scales: a discrete-event model of process 0, which deals out points.

    python scripts/cluster_simulation.py  # the section of docs/BENCHMARKS.md
    python scripts/cluster_simulation.py --into docs/BENCHMARKS.md  # writes it there, between its two marks
    python scripts/cluster_simulation.py --stages 2601 --point 0.02 --ranks 2  # what to expect of a run
    python scripts/cluster_simulation.py --check  # closed forms that the model must keep

Needs Python from 3.10 on and nothing else. Costs are options. The section takes some minutes.

What is modelled is what src/engine does (processes/dealing.rs, processes/serving.rs, pace.rs, stock.rs, shared.rs):

- Process 0 computes with threads of its own, and one more deals: it gives runs until no process may have another one,
  then takes one message, and so on. Every message sent or received keeps it busy, and so does every look at all
  processes for the one that has the fewest runs.
- A run is as long as ten milliseconds of its process, one point at least, and at most an eighth of a thread's share of
  what is left. Other processes say how long their points took; messages that wait change nothing of it.
- A process has a run for each thread, and one that waits while more points are left than there are threads, unless its
  points take over 0.1 s. Before its first result nothing is known of its pace.
- A stage begins when all points of the one before are back. Draws are stages; each is prepared in process 0, then in
  the others when they are told.
- What a point needs of others is sent to a process with the first point that needs it, one message for each point. A
  process that computed a point has it.
- In the end every process gets all values.

What is not: the death of processes, processes of different speeds, that the thread which deals takes time from those
that compute in process 0, and that a stage of fewer points than process 0 has threads is computed there alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import heapq
import math
import pathlib
import random
import textwrap
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Iterable, Sequence

# src/engine/pace.rs
RUN, LONG, MEMORY = 0.01, 0.1, 0.7
# src/engine/processes/dealing.rs
CHUNK = 1 << 20
# src/curvature/map/order.rs
LATTICE = 8
# src/sweep/adaptive/refine.rs
CHECKS, CHECK_SHARE, STAGE_SHARE, LEAST_STAGE = 60, 10, 8, 16

# Of a machine, where processes have several.
THREADS = 16

MARKS = ("<!-- begin cluster_simulation -->\n", "<!-- end cluster_simulation -->\n")


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes a second."""

    # Busy time of process 0 for a message that it sends or receives: adapters/mpi/costs.sh has 1.7 µs to send and 0.7 µs
    # to receive, to which the work of dealing.rs is added. That is assumed.
    message: float = 5e-6
    # The same for a look at one process when it seeks the one with the fewest runs. Assumed.
    look: float = 2e-9
    # The same for a byte of what points leave for others, which it copies and checks. Assumed.
    byte: float = 1e-9
    # From process to process. MPICH over TCP took 25 µs for small messages, and 0.9 µs over InfiniBand with UCX
    # (https://gist.github.com/jfgrimm/3af692a5475bdd4ed836b5a18197a209).
    latency: float = 25e-6
    # Of the link of process 0, each way: 25 Gb/s, Ethernet after IEEE 802.3by. HDR InfiniBand has 200 Gb/s.
    bandwidth: float = 25e9 / 8
    # Until a process sees a message: half of what costs.sh has for one there and back, on one machine.
    pause: float = 1.6e-3


@dataclass(frozen=True)
class Case:
    """A sweep. Points are numbered in the order in which they are dealt out."""

    name: str
    # How many points each stage has, and the mean seconds of every point on one thread.
    stages: Sequence[int]
    means: Sequence[float]
    # Times are lognormal with this standard deviation of their logarithms; a share of them is some times as long.
    spread: float = 0.05
    stragglers: float = 0.001
    factor: float = 2.0
    # Whether each stage is a draw, for which all processes prepare, in so many seconds.
    draws: bool = False
    prepare: float = 0.0
    # Seconds in which process 0 chooses a stage, with nothing to compute.
    choice: float = 0.0
    # Points of the last stage, if these wait for all others even where others wait only for what they need.
    apart: int = 0
    # Points that an oracle likes to get in one call.
    batch: int = 1
    # What each point needs of others, whether others need it, and how many bytes that takes.
    needs: Sequence[Sequence[int]] = ()
    needed: Sequence[bool] = ()
    kept: int = 0
    # A record of the result, in bytes.
    record: int = 48

    def times(self, seed: int, even: bool) -> list[float]:
        """Seconds of each point, the same whatever else is switched on or off."""
        draw = random.Random(seed)
        factors = []
        for _ in self.means:
            factor = draw.lognormvariate(-self.spread**2 / 2, self.spread)
            factors.append(factor * (self.factor if draw.random() < self.stragglers else 1.0))
        if even and factors:
            total = math.fsum(m * f for m, f in zip(self.means, factors)) / math.fsum(self.means)
            factors = [total] * len(factors)
        return [mean * factor for mean, factor in zip(self.means, factors)]


class Pace:
    """src/engine/pace.rs."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: float | None = None

    def take(self, time: float, points: int) -> None:
        now = time / max(points, 1)
        self.seconds = now if self.seconds is None else MEMORY * self.seconds + (1 - MEMORY) * now

    def is_long(self) -> bool:
        return self.seconds is not None and self.seconds > LONG

    def run(self) -> int | None:
        return None if self.seconds is None else int(max(RUN / max(self.seconds, 1e-12), 1.0))


class Run:
    """Points that a process has."""

    __slots__ = ("points", "work")

    def __init__(self, points: Sequence[int], work: float) -> None:
        self.points, self.work = points, work


class Member:
    """Another process, as process 0 knows it, and when its threads are free."""

    __slots__ = ("ready", "draw", "runs", "pace", "has", "free")

    def __init__(self, threads: int) -> None:
        self.ready, self.draw = False, -1
        self.runs: list[Run] = []
        self.pace = Pace()
        self.has: set[int] = set()
        self.free = [0.0] * threads


class Stock:
    """src/engine/stock.rs; of points whose needs may be missing yet, those that are there."""

    def __init__(self, points: range, waiting: dict[int, int] | None = None) -> None:
        self.first, self.end, self.waiting = points.start, points.stop, waiting or {}
        self.there = deque(point for point in points if not waiting[point]) if waiting is not None else None

    def __len__(self) -> int:
        return self.end - self.first if self.there is None else len(self.there)

    def take(self, most: int) -> Sequence[int]:
        count = min(most, len(self))
        if self.there is not None:
            return [self.there.popleft() for _ in range(count)]
        self.first += count
        return range(self.first - count, self.first)

    def take_run(self, threads: int, batch: int, most: int) -> Sequence[int]:
        share = min(len(self) // (8 * threads), most)
        run = -(-share // batch) * batch if share > batch else share
        return self.take(max(run, -(-batch // 4)))


@dataclass
class Outcome:
    seconds: float = 0.0
    # Seconds of all points together, and of all threads.
    busy: float = 0.0
    efficiency: float = 0.0
    # Messages that process 0 sent and received.
    messages: int = 0
    runs: int = 0
    # Bytes of what points leave for others: in process 0, and in the process that has the most of the others.
    kept: int = 0
    kept_elsewhere: int = 0
    # Bytes of the result under way to the others at once.
    result: int = 0
    # How often each point was computed.
    computed: Counter[int] = field(default_factory=Counter)


# What can be switched off, one at a time, to see what it costs.
STAGES, UNEVEN, MESSAGES, NETWORK = "stages", "uneven points", "messages", "network"
OPENINGS, RESULT, CHOICES = "openings", "the result", "choices"
POINTS = "few points"
# What saves less of the time is not named.
LEAST = 0.02


class Simulation:
    """One sweep over so many processes; `without` names what costs nothing. With `overlap` a point begins when what it
    needs is there, whatever its stage."""

    def __init__(
        self,
        case: Case,
        ranks: int,
        costs: Costs = Costs(),
        *,
        threads: int = 1,
        seed: int = 1,
        without: str = "",
        overlap: bool = False,
    ) -> None:
        if without == MESSAGES:
            costs = dataclasses.replace(costs, message=0.0, look=0.0, byte=0.0)
        if without == NETWORK:
            costs = dataclasses.replace(costs, latency=0.0, bandwidth=math.inf, pause=0.0)
        self.case, self.costs, self.ranks, self.threads = case, costs, ranks, threads
        self.without, self.overlap = without, overlap
        self.times = case.times(seed, without == UNEVEN)
        self.prepare = 0.0 if without == OPENINGS else case.prepare
        self.members = [Member(threads) for _ in range(ranks - 1)]
        self.greeted = 0
        self.clock = 0.0
        # What comes to process 0: time, order, message.
        self.events: list[tuple] = []
        self.order = 0
        self.inbox: deque[tuple] = deque()
        self.sending = self.receiving = 0.0
        self.done = Outcome()

    def run(self) -> Outcome:
        case, total = self.case, len(self.times)
        stages = [count for count in case.stages if count]
        if self.without == STAGES:
            stages = [total]
        elif self.overlap:
            stages = [count for count in (total - case.apart, case.apart) if count]
        self.greet()
        first = 0
        for number, count in enumerate(stages):
            draw = number if case.draws else 0
            if case.draws or number == 0:
                self.clock += self.prepare
            elif self.without != CHOICES:
                self.clock += case.choice
            self.stage(range(first, first + count), draw)
            first += count
        if self.without == STAGES and not case.draws:
            # Choices are another cost.
            self.clock += case.choice * (len(case.stages) - 1)
        self.finish()
        found = self.done
        found.seconds, found.busy = self.clock, math.fsum(self.times)
        found.efficiency = found.busy / (self.clock * self.ranks * self.threads) if self.clock else 1.0
        found.kept = sum(case.needed) * case.kept
        held = (sum(case.needed[point] for point in member.has) for member in self.members)
        found.kept_elsewhere = max(held, default=0) * case.kept
        return found

    # The dealer.

    def greet(self) -> None:
        for member in range(len(self.members)):
            if self.without == OPENINGS:
                self.members[member].ready, self.members[member].draw = True, 0
                self.greeted += self.threads
                continue
            self.clock += self.costs.message
            self.done.messages += 1
            # It answers at once.
            self.push(self.clock + self.costs.pause + 2 * self.costs.latency, ("greeting", member))

    def stage(self, points: range, draw: int) -> None:
        """src/engine/shared.rs: `run_stock`, and dealing.rs: `deal`."""
        self.draw, self.points_out, self.own_busy, self.own_end = draw, 0, self.threads, self.clock
        self.stock = Stock(points)
        self.dependents: dict[int, list[int]] = {}
        if self.overlap and self.case.needs:
            waiting = dict.fromkeys(points, 0)
            for point in points:
                for other in self.case.needs[point]:
                    if other in waiting:
                        self.dependents.setdefault(other, []).append(point)
                        waiting[point] += 1
            self.stock = Stock(points, waiting)
        self.left_in_all = len(points)
        self.at_start = self.threads + self.greeted
        self.batch = max(1, min(self.case.batch, -(-len(points) // (4 * self.at_start))))
        if self.without == OPENINGS:
            for member in self.members:
                member.draw = draw
        self.to_open = deque(m for m, member in enumerate(self.members) if member.ready and member.draw != draw)
        # By the number of runs that they have; those that are out of date are passed over.
        self.free: list[list[int]] = [[] for _ in range(self.threads + 1)]
        for m, member in enumerate(self.members):
            self.offer(m, member)
        self.asleep: list[Pace] = []
        for _ in range(self.threads):
            self.push(self.clock, ("own", Pace(), (), 0.0))
        pending: tuple | None = None
        dealer = self.clock
        while True:
            time = self.events[0][0] if self.events else math.inf
            if dealer <= time:
                if pending is not None:
                    dealer += self.hear(dealer, pending)
                    pending = None
                    continue
                cost = self.hand_out(dealer)
                if cost is not None:
                    dealer += cost
                    continue
                if not self.left_in_all and not self.points_out and not self.own_busy:
                    break
                if self.inbox:
                    pending = self.inbox.popleft()
                    self.done.messages += 1
                    size = pending[4] if pending[0] == "done" else 0
                    looks = 2 * self.costs.look * len(self.members)
                    dealer += self.costs.message + looks + self.costs.byte * size
                    continue
            time, _, event = heapq.heappop(self.events)
            time = max(time, self.clock)
            # An idle dealer waits until now.
            dealer = max(dealer, time)
            if event[0] == "own":
                self.compute_here(time, *event[1:])
            elif event[0] == "done" and event[3]:
                # Large messages share the link.
                self.receiving = max(self.receiving, time) + event[3] / self.costs.bandwidth
                self.push(self.receiving, (*event[:3], 0, event[4]))
            else:
                self.inbox.append(event)
        self.clock = max(dealer, self.own_end)

    def hand_out(self, now: float) -> float | None:
        """Gives one run, or opens a draw; returns how long that takes, None if there is nothing to do."""
        if self.to_open:
            self.open(now, self.to_open.popleft())
            return self.costs.message
        left = len(self.stock)
        if not left:
            return None
        threads = self.threads + self.greeted
        m = self.chosen(left > threads)
        if m is None:
            return None
        member = self.members[m]
        most = member.pace.run()
        points = self.stock.take_run(threads, self.batch, self.batch if most is None else most)
        self.left_in_all -= len(points)
        self.points_out += len(points)
        messages, sizes = 1, 0
        self.done.computed.update(points)
        for point in points:
            for other in self.case.needs[point] if self.case.needs else ():
                if other not in member.has:
                    member.has.add(other)
                    messages += 1
                    sizes += self.case.kept * self.case.needed[other]
        self.done.messages += messages
        self.done.runs += 1
        cost = messages * self.costs.message + sizes * self.costs.byte + self.costs.look * len(self.members)
        sent = now + cost
        if sizes:
            self.sending = max(self.sending, now) + sizes / self.costs.bandwidth
            sent = max(sent, self.sending)
        work = math.fsum(self.times[point] for point in points)
        run = Run(points, work)
        member.runs.append(run)
        # Its threads take runs in the order in which they come.
        started = max(sent + self.costs.latency + self.costs.pause, heapq.heappop(member.free))
        heapq.heappush(member.free, started + work)
        size = 0
        if self.case.kept:
            size = sum(self.case.needed[point] for point in points) * self.case.kept
        self.push(started + work + self.costs.latency, ("done", m, run, size, size))
        self.offer(m, member)
        return cost

    def chosen(self, may_wait: bool) -> int | None:
        """The process with the fewest runs of those that may have one more, the first of these."""
        for count in range(self.threads + may_wait):
            heap = self.free[count]
            while heap:
                member = self.members[heap[0]]
                fits = member.ready and member.draw == self.draw and len(member.runs) == count
                if fits and (count < self.threads or not member.pace.is_long()):
                    return heapq.heappop(heap)
                heapq.heappop(heap)
        return None

    def offer(self, m: int, member: Member) -> None:
        if member.ready and member.draw == self.draw and len(member.runs) <= self.threads:
            heapq.heappush(self.free[len(member.runs)], m)

    def open(self, now: float, m: int) -> None:
        member = self.members[m]
        member.ready, member.draw = False, self.draw
        self.done.messages += 1
        told = now + self.costs.message + self.costs.latency + self.costs.pause
        self.push(told + self.prepare + self.costs.latency, ("ready", m))

    def hear(self, now: float, message: tuple) -> float:
        """Takes a message; returns how long the answer takes, if there is one."""
        kind, m = message[:2]
        member = self.members[m]
        if kind == "greeting":
            self.greeted += self.threads
            self.open(now, m)
            return self.costs.message
        if kind == "ready":
            member.ready = True
            if member.draw == self.draw:
                self.offer(m, member)
            else:
                self.to_open.append(m)
        else:
            run = message[2]
            member.runs.remove(run)
            self.points_out -= len(run.points)
            member.pace.take(run.work, len(run.points))
            self.offer(m, member)
            if self.case.needs:
                member.has.update(run.points)
            self.came(now, run.points)
        return 0.0

    # The threads of process 0.

    def compute_here(self, now: float, pace: Pace, points: Sequence[int], started: float) -> None:
        if points:
            pace.take(now - started, len(points))
            self.own_end = max(self.own_end, now)
            self.came(now, points)
        # One process alone has no pace.
        longest = (pace.run() or self.batch) if self.members else len(self.stock)
        points = self.stock.take_run(self.at_start, self.batch, longest)
        if points:
            self.left_in_all -= len(points)
            self.done.computed.update(points)
            work = math.fsum(self.times[point] for point in points)
            self.push(now + work, ("own", pace, points, now))
        elif self.left_in_all:
            self.asleep.append(pace)
        else:
            self.own_busy -= 1

    def came(self, now: float, points: Iterable[int]) -> None:
        """Points are back, and others that need them may begin."""
        if self.stock.there is None:
            return
        for point in points:
            for other in self.dependents.get(point, ()):
                self.stock.waiting[other] -= 1
                if not self.stock.waiting[other]:
                    self.stock.there.append(other)
        for pace in self.asleep:
            self.push(now, ("own", pace, (), now))
        self.asleep = []

    # The end.

    def finish(self) -> None:
        """dealing.rs: `conclude`."""
        if not self.members or self.without == RESULT:
            return
        size = len(self.times) * self.case.record
        messages = (-(-size // CHUNK) + 1) * len(self.members)
        self.done.messages += messages
        self.done.result = size * len(self.members)
        self.clock += max(messages * self.costs.message, self.done.result / self.costs.bandwidth)

    def push(self, time: float, event: tuple) -> None:
        self.order += 1
        heapq.heappush(self.events, (time, self.order, event))


# What is swept.


def flat(name: str, stages: Sequence[int], point: float, **more) -> Case:
    """Points that all take as long on average."""
    return Case(name, stages, [point] * sum(stages), **more)


def step_of(i: int, j: int) -> tuple[int, bool]:
    """order.rs: the step of a point, and whether it is the middle of a square."""
    both = i | j
    step = min(both & -both, LATTICE) if both else LATTICE
    return step, step < LATTICE and bool(i & j & step)


def pairs_of(i: int, j: int, side: int) -> list[tuple[int, int]]:
    """order.rs: the points that (i, j) starts from, on a plane of side × side."""
    step, is_square = step_of(i, j)
    found = []
    if step < LATTICE:
        for down, right in ((1, 1), (1, -1)) if is_square else ((1, 0), (0, 1)):
            ends = [(i - down * step, j - right * step), (i + down * step, j + right * step)]
            if all(0 <= x < side for end in ends for x in end):
                found += ends
    return found


def map_stages(side: int, band: int) -> list[list[tuple[int, int]]]:
    """order.rs: the points of each stage, band after band."""

    def level(point: tuple[int, int]) -> tuple[int, int]:
        step, is_square = step_of(*point)
        return (0, 0) if step == LATTICE else (LATTICE // step, int(not is_square))

    band_of: dict[tuple[int, int], int] = {}
    places: dict[tuple[int, tuple[int, int]], list[tuple[int, int]]] = {}
    for point in sorted(((i, j) for i in range(side) for j in range(side)), key=lambda p: (level(p), p)):
        parents = [band_of[other] for other in pairs_of(*point, side)]
        band_of[point] = max(parents, default=point[0] // band)
        places.setdefault((band_of[point], level(point)), []).append(point)
    return [places[key] for key in sorted(places)]


def most_kept(stages: list[list[tuple[int, int]]], side: int) -> int:
    """order.rs: the most points at any time from which others still start."""
    left = Counter(other for stage in stages for point in stage for other in pairs_of(*point, side))
    starting = set(left)
    kept = most = 0
    for stage in stages:
        kept += sum(point in starting for point in stage)
        most = max(most, kept)
        for other in (other for point in stage for other in pairs_of(*point, side)):
            left[other] -= 1
            kept -= left[other] == 0
    return most


def ratio_map(name: str, side: int, cold: float, warm: float, parameters: int, band: int = 0, **more) -> Case:
    """A map with warm starts: its stages, then the audit. Points computed again for want of accord are left out."""
    stages = map_stages(side, band or side)
    points = [point for stage in stages for point in stage]
    number = {point: k for k, point in enumerate(points)}
    needs = [[number[other] for other in pairs_of(i, j, side)] for i, j in points]
    means = [warm if others else cold for others in needs]
    drawn = max(5, -(-len(points) // 50))
    warmed = [k for k, others in enumerate(needs) if others]
    again = [[k] for k in sorted(random.Random(side).sample(warmed, drawn))]
    counts = [len(stage) for stage in stages] + [drawn]
    needed = [step_of(i, j) != (1, False) for i, j in points] + [False] * drawn
    # 14 channels, and how the run went.
    more = {"record": 158, **more}
    return Case(
        name,
        counts,
        means + [cold] * drawn,
        needs=needs + again,
        needed=needed,
        apart=drawn,
        kept=4 * parameters + 30,
        **more,
    )


def adaptive_stages(side: int, budget: int) -> list[int]:
    """refine.rs: the points of each stage where the budget ends the sweep, with points in doubt enough."""
    along = min(max(int((side * side / 32) ** 0.5), 9), max(int((budget / 3) ** 0.5), 1))
    stages = [min(min(along, side // 2 + 1) ** 2, budget)]
    kept = min(CHECKS, budget // CHECK_SHARE)
    while (spent := sum(stages)) < budget:
        left = budget - spent
        wanted = min(left - kept if left >= kept else left, max(LEAST_STAGE, spent // STAGE_SHARE))
        stages.append(wanted or min(left, CHECKS))
    return stages


# Seconds a point and a product, and products a point of small networks: those of docs/BENCHMARKS.md.
LOSS, PRODUCT, WARM, COLD, PARAMETERS, SMALL = 0.754, 0.723, 16, 22, 855_770, 0.114e-3
# Points along each axis of the map.
SIDE = 251
ONE, DRAWS, ADAPTIVE, MAP, CHEAP = "one surface", "draws", "adaptive", "map", "short points"


def cases() -> dict[str, Case]:
    budget = adaptive_stages(51, 520)
    return {
        ONE: flat(f"51×51 losses of ResNet-56, {LOSS} s each", [2601], LOSS, prepare=0.05),
        DRAWS: flat("100 draws of the same", [2601] * 100, LOSS, draws=True, prepare=0.05),
        # Choosing took 0.4 s on two threads, and here there is one.
        ADAPTIVE: flat("adaptive, 520 of the points", budget, LOSS, prepare=0.05, choice=0.8 / (len(budget) - 1)),
        MAP: ratio_map(
            f"251×251 ratio map with warm starts, {PRODUCT} s a product",
            SIDE,
            COLD * PRODUCT,
            WARM * PRODUCT,
            PARAMETERS,
            spread=0.3,
        ),
        CHEAP: flat(f"501×501 losses of a small network, {1000 * SMALL:g} ms each", [501 * 501], SMALL),
    }


# What limits them.


def limits(case: Case, ranks: int, whole: Outcome, costs: Costs, **more) -> list[tuple[str, float]]:
    """Shares of the time that would be saved without one cost, the largest first."""
    switches = [UNEVEN, MESSAGES, NETWORK, OPENINGS, RESULT]
    if len(case.stages) > 1:
        switches.append(STAGES)
    if case.choice:
        switches.append(CHOICES)
    found = []
    for switch in switches if ranks > 1 else [STAGES, CHOICES]:
        seconds = Simulation(case, ranks, costs, without=switch, **more).run().seconds
        found.append((switch, 1 - seconds / whole.seconds))
    threads = ranks * more.get("threads", 1)
    mean = whole.busy / len(case.means)
    found.append((POINTS, (math.ceil(len(case.means) / threads) * mean - whole.busy / threads) / whole.seconds))
    return sorted(found, key=lambda pair: -pair[1])


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def in_words(found: list[tuple[str, float]]) -> str:
    shown = [f"{name} {percent(share)}" for name, share in found[:3] if share >= LEAST]
    return ", ".join(shown) or f"nothing above {percent(LEAST)}"


def row(case: Case, ranks: int, whole: Outcome, found: list[tuple[str, float]]) -> str:
    seconds = f"{whole.seconds:,.0f}" if whole.seconds >= 100 else f"{whole.seconds:.3g}"
    return f"| {case.name} | {ranks:,} | {seconds} | {percent(whole.efficiency)} | {in_words(found)} |"


HEAD = "| sweep | ranks | seconds | efficiency | time saved without |\n| --- | --- | --- | --- | --- |"

# What a cost is, and what its user does about it.
ADVICE = {
    POINTS: """**few points**: they do not divide among the ranks, and with fewer points than ranks some have nothing to
        do. Take fewer ranks, or a finer grid.""",
    UNEVEN: "**uneven points**: the last ones of a stage are waited for. More points a rank make that small.",
    STAGES: """**stages**: each begins when the one before is whole. Draws come one after the other, and each waits for
        the last point of the one before: with many ranks, start several jobs of fewer ranks, each with a seed of its
        own. An adaptive sweep has stages of 16 points and more, and no use for many more ranks than that.""",
    OPENINGS: """**openings**: processes are greeted, and told of each draw, one by one, and prepare for it. Take fewer
        processes of more threads.""",
    MESSAGES: """**messages**: process 0 is busy with them, and with copying what points of a map leave for others.
        More work a point (all data sets in one sweep) has fewer; for a map see below.""",
    NETWORK: """**network**: the link of process 0 is busy, or processes wait for their next run. Long points do not
        feel it.""",
    RESULT: "**the result**: every process gets all values from process 0. Take fewer processes of more threads.",
    CHOICES: "**choices**: process 0 chooses a stage while all others wait. Give it more threads.",
}


def section(costs: Costs, ranks: Sequence[int], seed: int) -> str:
    """The text of docs/BENCHMARKS.md."""
    rows, seen, found = [], set[str](), {}
    swept = cases()
    for key, case in swept.items():
        for number in ranks:
            found[key, number] = whole = Simulation(case, number, costs, seed=seed).run()
            saved = limits(case, number, whole, costs, seed=seed)
            seen.update(name for name, share in saved[:3] if share >= LEAST)
            rows.append(row(case if number == ranks[0] else dataclasses.replace(case, name="…"), number, whole, saved))
    advice = "\n".join(f"- {' '.join(text.split())}" for name, text in ADVICE.items() if name in seen)
    ratio, most = swept[MAP], max(ranks)
    banded = ratio_map("", SIDE, COLD * PRODUCT, WARM * PRODUCT, PARAMETERS, band=LATTICE, spread=ratio.spread)
    alone = flat("", [sum(ratio.stages) - ratio.apart], COLD * PRODUCT, spread=ratio.spread, record=ratio.record)
    maps = []
    for number in ranks:
        ways = [
            found[MAP, number],
            Simulation(banded, number, costs, seed=seed).run(),
            Simulation(ratio, number, costs, seed=seed, overlap=True).run(),
            Simulation(ratio, max(1, number // THREADS), costs, threads=min(number, THREADS), seed=seed).run(),
            Simulation(alone, number, costs, seed=seed).run(),
        ]
        maps.append(f"| {number:,} | " + " | ".join(f"{way.seconds:,.0f}" for way in ways) + " |")
    kept, least = found[MAP, most], found[MAP, min(ranks)]
    narrow = most_kept(map_stages(SIDE, LATTICE), SIDE) * ratio.kept / 1e9
    slower = [f"{n:,}" for n in ranks if found[ADAPTIVE, n].seconds > found[ONE, n].seconds]
    adaptive = f"With {' or '.join(slower)} ranks an adaptive sweep takes longer than the full grid. " if slower else ""
    one = swept[ONE]
    threads = RUN / (2 * costs.message)
    return f"""Not measured but **simulated**, by a model of how process 0 deals out points, with one thread in each
process. Measured is that a process sees a message after {costs.pause * 1e3:g} ms, and a part of the
{costs.message * 1e6:g} µs of process 0 for each that it sends or receives; **assumed** are {costs.byte * 1e9:g} ns for a byte
of what points of a map leave for others, {costs.look * 1e9:g} ns for each process that it looks at before it gives a run,
and a network of {costs.latency * 1e6:g} µs and {costs.bandwidth * 8 / 1e9:g} Gb/s. Times of points are those of this page, lognormal about them
(σ = {one.spread}, of the map {ratio.spread}), and one in {1 / one.stragglers:,.0f} takes {one.factor:g} times as long.
A point of the map takes {WARM} products, and {COLD} from a cold start. Efficiency is the time of all points over that
of all ranks. The last column says how much of its time the sweep would save without one cost; several may hide the
same second.

{HEAD}
{chr(10).join(rows)}

{advice}

As a rule, of points that take over ten milliseconds process 0 keeps up with as many threads as it has pairs of messages
in the time of a point: {LOSS / (2 * costs.message):,.0f} of {LOSS} s. Shorter points come in runs of ten milliseconds, with
which it keeps up for {threads:,.0f} threads. {adaptive}

Five ways to make the map, in seconds: as it is now; in bands of {LATTICE} rows, as it is where memory is short; if a
point began when the two or four others that it starts from
are there, and not when their whole stage is, which the engine does not do yet; with processes of {THREADS} threads
each; and with all points certified (`EigenRatio::certified`), which need no others, have no stages, and take {COLD}
products each.

| ranks | warm starts | in bands | each when it can | {THREADS} threads a process | certified |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(maps)}

Memory may end before speed does. What the points of this map keep takes {kept.kept / 1e9:.0f} GB in process 0, and up
to {least.kept_elsewhere / 1e9:.0f} GB in each other one of {min(ranks)}, {kept.kept_elsewhere / 1e9:.1f} GB of
{most:,}. With less memory (`Sweep::memory_limit`) it is made in bands: of {LATTICE} rows they take {narrow:.1f} GB, in
process 0 and at most as much elsewhere. Certified points keep nothing, and a mask of fewer blocks less. At the end the
values are on their way to all processes at once, in `adapters/mpi` as one copy for all of them.
"""


def widths(text: str) -> str:
    """Paragraphs and items in lines of at most 118 characters."""

    def fill(paragraph: str, indent: str = "") -> str:
        return textwrap.fill(
            paragraph, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )

    parts = []
    for part in text.strip().split("\n\n"):
        if part.startswith("|"):
            parts.append(part)
        elif part.startswith("- "):
            parts.append("\n".join(fill(item, "  ") for item in part.split("\n")))
        else:
            parts.append(fill(part))
    return "\n\n".join(parts) + "\n"


def write_into(path: pathlib.Path, text: str) -> None:
    page = path.read_text(encoding="utf-8")
    if any(page.count(mark) != 1 for mark in MARKS):
        raise SystemExit(f"{path} does not have the marks {MARKS[0].strip()} and {MARKS[1].strip()} once each")
    before, rest = page.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    path.write_text(f"{before}{MARKS[0]}{text}{MARKS[1]}{after}", encoding="utf-8")


# What must hold.


def check() -> None:
    free = Costs(message=0.0, look=0.0, byte=0.0, latency=0.0, bandwidth=math.inf, pause=0.0)

    def even(stages: Sequence[int], point: float, **more) -> Case:
        return flat("", stages, point, spread=0.0, stragglers=0.0, **more)

    def seconds(case: Case, ranks: int, costs: Costs = free, **more) -> float:
        found = Simulation(case, ranks, costs, **more).run()
        assert found.computed == Counter(range(len(case.means))), "every point is computed, once"
        assert found.efficiency <= 1 + 1e-9
        return found.seconds

    def close(a: float, b: float, off: float = 1e-9) -> None:
        assert abs(a - b) <= off * abs(b), (a, b)

    # One rank is busy all the time, whatever messages cost.
    for stages in ([100], [7, 1, 30]):
        for point in (1e-5, 0.02, 3.0):
            close(Simulation(even(stages, point), 1, Costs()).run().efficiency, 1.0)
    # Without messages, equal long points take as many rounds as it takes to give each thread one.
    for ranks, threads in ((2, 1), (16, 1), (256, 1), (4096, 1), (5, 4)):
        for count in (1, ranks, 2601, 2 * ranks * threads, 3 * ranks * threads + 1):
            rounds = -(-count // (ranks * threads))
            close(seconds(even([count], 0.5), ranks, threads=threads), 0.5 * rounds)
    # Stages are waited for one by one, and joined they are not.
    stages, ranks = [10, 33, 5, 64], 16
    close(seconds(even(stages, 0.5), ranks), 0.5 * sum(-(-count // ranks) for count in stages))
    close(seconds(even(stages, 0.5), ranks, without=STAGES), 0.5 * -(-sum(stages) // ranks))
    close(seconds(even(stages, 0.5, choice=0.25), ranks) - seconds(even(stages, 0.5), ranks), 0.75)
    # Short points come in runs of ten milliseconds, and the end is at most one run later than it could be.
    for ranks in (2, 16, 64):
        least = 1e-4 * 100_000 / ranks
        assert least * (1 - 1e-9) <= seconds(even([100_000], 1e-4), ranks) <= least + RUN
    # A dealer that is busy for a message deals out one point in the time of two, however many processes wait; and
    # process 0 computes as well.
    slow = dataclasses.replace(free, message=1e-3)
    for ranks in (256, 1024):
        case = even([5000], 0.02)
        ending = 2 * (ranks - 1) * 1e-3
        close(seconds(case, ranks, slow, without=OPENINGS) - ending, 5000 / (1 / 2e-3 + 1 / 0.02), 0.03)
    # Points as short as a message come in runs of ten, for which it takes two messages; process 0 computes as well.
    case = even([20_000], 1e-3)
    speeds = [20_000 / (seconds(case, ranks, slow, without=RESULT) - 4e-3 * ranks) for ranks in (64, 256)]
    assert max(speeds) < 10 / 2e-3 + 1 / 1e-3, speeds
    # Runs of short points grow, however many threads ask for them at first; with runs of one point it would take five
    # times as long. No run is longer than an eighth of a thread's share, which limits many ranks in the end.
    quick = dataclasses.replace(free, message=30e-6)
    case = even([50_000], 1e-4)
    few, many = (seconds(case, ranks, quick, without=RESULT) for ranks in (40, 160))
    assert many < 2 * few, (few, many)
    # The link of process 0 carries the result to all, and what a point needs once to each process.
    narrow = dataclasses.replace(free, bandwidth=1e6)
    close(seconds(even([64], 1.0), 3, narrow) - seconds(even([64], 1.0), 3), 2 * 64 * 48 / 1e6)
    for side, ranks in ((17, 2), (25, 3), (51, 16)):
        small = ratio_map("", side, 1.0, 1.0, 1000, spread=0.0)
        assert small.stages[0] == (-(-side // 8)) ** 2
        banded = ratio_map("", side, 1.0, 1.0, 1000, band=LATTICE, spread=0.0)
        assert len(banded.stages) > len(small.stages)
        for case in (small, banded):
            assert sum(case.stages) - case.apart == side * side
            for point, others in enumerate(case.needs[: side * side]):
                assert all(other < point and case.needed[other] for other in others), "the stages before have it"
        assert most_kept(map_stages(side, LATTICE), side) < most_kept(map_stages(side, side), side)
        # order.rs: all but those with an odd sum of indices.
        assert sum(small.needed) == side * side - (side // 2 * -(-side // 2) + -(-side // 2) * (side // 2))
        found = Simulation(small, ranks, free).run()
        most = 1 + max(sum(len(others) for others in small.needs), 1)
        assert found.messages <= 2 * found.runs + most + 8 * ranks
        assert found.computed == Counter(range(len(small.means))) and found.kept_elsewhere <= found.kept
        # With no wait for whole stages it takes no longer, and no shorter than the points take.
        overlapped = Simulation(small, ranks, free, overlap=True).run()
        assert found.busy / ranks - 1e-9 <= overlapped.seconds <= found.seconds + 1e-9
        assert overlapped.computed == found.computed
    # The examples of order.rs.
    assert pairs_of(4, 12, 26) == [(0, 8), (8, 16), (0, 16), (8, 8)]
    assert pairs_of(3, 4, 26) == [(2, 4), (4, 4), (3, 3), (3, 5)]
    assert pairs_of(25, 8, 26) == [(25, 7), (25, 9)] and pairs_of(16, 8, 26) == []
    for budget in (10, 100, 520, 2601):
        assert sum(adaptive_stages(51, budget)) == budget
    assert adaptive_stages(51, 520)[:3] == [81, 16, 16] and adaptive_stages(51, 520)[-1] == 52
    # The same seed, the same sweep.
    case = flat("", [500, 300], 0.3)
    first, again, other = (Simulation(case, 7, seed=seed).run() for seed in (3, 3, 4))
    assert first == again != other
    print("the model keeps its closed forms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for cost in dataclasses.fields(Costs):
        parser.add_argument(f"--{cost.name}", type=float, default=cost.default, help="see Costs (%(default)s)")
    parser.add_argument("--ranks", type=int, nargs="+", default=[16, 256, 4096])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=pathlib.Path, help="write the section into this page")
    parser.add_argument("--check", action="store_true", help="test the model")
    one = parser.add_argument_group("a run of your own")
    one.add_argument("--stages", type=int, nargs="+", help="the points of its stages")
    one.add_argument("--point", type=float, help="seconds a point, on one thread")
    one.add_argument("--threads", type=int, default=1, help="of each process")
    one.add_argument("--spread", type=float, default=0.05, help="of the logarithms of times")
    one.add_argument("--stragglers", type=float, default=0.001, help="share of points that take twice as long")
    one.add_argument("--prepare", type=float, default=0.0, help="seconds before the first point")
    given = parser.parse_args()
    costs = Costs(**{cost.name: getattr(given, cost.name) for cost in dataclasses.fields(Costs)})
    if (given.stages is None) != (given.point is None):
        parser.error("a run of your own needs both --stages and --point")
    if given.check:
        check()
    elif given.stages:
        more = {"spread": given.spread, "stragglers": given.stragglers, "prepare": given.prepare}
        case = flat("this run", given.stages, given.point, **more)
        print(HEAD)
        for ranks in given.ranks:
            about = {"seed": given.seed, "threads": given.threads}
            whole = Simulation(case, ranks, costs, **about).run()
            print(row(case, ranks, whole, limits(case, ranks, whole, costs, **about)))
    else:
        text = widths(section(costs, given.ranks, given.seed))
        if given.into:
            write_into(given.into, text)
        else:
            print(text, end="")


if __name__ == "__main__":
    main()
