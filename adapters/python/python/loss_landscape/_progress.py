"""Watching a sweep: observers of yours, and a bar for terminals and notebooks."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any, Callable


@dataclass(frozen=True)
class Progress:
    """What an observer is told of a finished point."""

    #: Points finished, this one included, and points there are.
    done: int
    total: int
    #: The number of the draw; 0 where there is one.
    draw: int
    #: The indices of the point on the axes, and its coordinates α and β.
    index: tuple[int, int]
    coordinates: tuple[float, float]
    #: All its values, by data set and channel.
    values: list[float]


Observer = Callable[[Progress], Any]


class Bar:
    """A progress bar: one line in a terminal, one widget in a notebook. It appears after a second.

    >>> import io
    >>> out = io.StringIO()
    >>> bar = Bar(file=out, delay=0.0, every=0.0)
    >>> bar.started(4); bar.show(2)
    >>> out.getvalue().strip()
    '50 %|██████████          | 2/4 ...'
    """

    def __init__(self, file: Any = None, *, delay: float = 1.0, every: float = 0.2) -> None:
        self._file, self._delay, self._every = file, delay, every
        self._total = self._before = self._done = 0
        self._start = self._last = time.monotonic()
        self._shown = False
        self._handle: Any = None

    def started(self, total: int) -> None:
        self._total, self._start, self._last = total, time.monotonic(), 0.0

    def resumed(self, done: int) -> None:
        self._before = self._done = done

    def show(self, done: int) -> None:
        self._done = done
        now = time.monotonic()
        if now - self._start < self._delay or now - self._last < self._every:
            return
        self._last = now
        self._write(self._line(now))

    def finished(self) -> None:
        if self._shown:
            self._write(self._line(time.monotonic()))
            if self._handle is None:
                print(file=self._file or sys.stderr)

    def _line(self, now: float) -> str:
        total = max(self._total, 1)
        share = min(self._done / total, 1.0)
        full = int(20 * share)
        rate = (self._done - self._before) / max(now - self._start, 1e-9)
        left = (self._total - self._done) / rate if rate > 0 else float("inf")
        clock = "?" if left == float("inf") else _clock(left)
        bar = "█" * full + " " * (20 - full)
        speed = f"{rate:.1f} points/s" if rate >= 1 or rate == 0 else f"{1 / rate:.1f} s/point"
        return f"{100 * share:3.0f} %|{bar}| {self._done}/{self._total} {speed}, {clock} left"

    def _write(self, line: str) -> None:
        self._shown = True
        if self._file is None and in_notebook():
            from IPython.display import HTML, display  # type: ignore[import-not-found]

            shown = HTML(f"<pre style='margin:0'>{line}</pre>")
            if self._handle is None:
                self._handle = display(shown, display_id=True)
            else:
                self._handle.update(shown)
        else:
            print("\r" + line.ljust(79), end="", file=self._file or sys.stderr, flush=True)


class Watch:
    """What the core calls: passes points on to a bar and to an observer."""

    def __init__(self, bar: Bar | None, observer: Observer | None) -> None:
        self._bar, self._observer = bar, observer

    def started(self, total: int) -> None:
        if self._bar is not None:
            self._bar.started(total)

    def resumed(self, done: int) -> None:
        if self._bar is not None:
            self._bar.resumed(done)

    def point(self, done: int, total: int, draw: int, index: tuple, coordinates: tuple, values: list) -> bool:
        if self._bar is not None:
            self._bar.show(done)
        if self._observer is None:
            return True
        progress = Progress(done, total, draw, tuple(index), tuple(coordinates), values)
        return self._observer(progress) is not False

    def finished(self) -> None:
        if self._bar is not None:
            self._bar.finished()


def watch(progress: bool | Bar | None, observer: Observer | None) -> Watch | None:
    """A bar if asked for, or if somebody looks; and the observer."""
    if progress is None:
        progress = in_notebook() or bool(getattr(sys.stderr, "isatty", lambda: False)())
    bar = progress if isinstance(progress, Bar) else Bar() if progress else None
    return None if bar is None and observer is None else Watch(bar, observer)


def in_notebook() -> bool:
    """Whether this is a notebook, where `IPython` shows what is displayed."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None and hasattr(module, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
