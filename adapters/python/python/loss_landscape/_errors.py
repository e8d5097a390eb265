"""What can go wrong, as exceptions that say so with the values in it."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """The base of all exceptions of this package."""


class ArgumentError(Error, ValueError):
    """An argument that does not fit: an axis, a layout, a direction of another scalar."""


class UnknownNameError(ArgumentError, KeyError):
    """A channel or block that is not there. The text lists those that are."""

    def __str__(self) -> str:
        # A KeyError would show the text in quotation marks.
        return Exception.__str__(self)


class FileError(Error, OSError):
    """A file that cannot be read or written."""


class FormatError(Error, ValueError):
    """A file or bytes that are not what they should be."""


class JournalError(Error):
    """A journal of another sweep, in use, or not to be written."""


class MemoryLimitError(Error, MemoryError):
    """What would take more memory than there is, or than was allowed."""


class FigureError(Error, ValueError):
    """A figure that cannot be drawn from what was given."""


class OracleFailure(Error, RuntimeError):
    """An oracle that gave what cannot be used, such as a gradient with NaN. An exception that it raises arrives as
    itself instead."""


class LayoutError(ArgumentError):
    """Parameters of a module that cannot be one vector: several devices or types, integers, shared memory."""


class BusyError(Error, RuntimeError):
    """A module that another sweep is moving at this moment."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep. What was computed until then is in ``result``; a journal has it too."""

    #: The curve, surface, map or list of draws, with NaN where nothing was computed.
    result: Any

    def __init__(self, text: str, result: Any = None) -> None:
        super().__init__(text)
        self.result = result


class LandscapeWarning(UserWarning):
    """The base of all warnings of this package."""


class LayoutWarning(LandscapeWarning):
    """Parameters whose role is a guess, since their module is of no known type."""


class NonDeterministicWarning(LandscapeWarning):
    """Two evaluations at the same parameters that differ."""


class LoaderWarning(LandscapeWarning):
    """A loader that is not used as it is: it shuffles, or is too large to be kept."""


class HookWarning(LandscapeWarning):
    """Hooks of a module, which run at every evaluation."""
