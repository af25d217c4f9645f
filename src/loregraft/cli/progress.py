"""What a person sees while a run works: a bar with the time left on a terminal, plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Screen:
    """A Talk that writes to stderr; use it as a context, so that the bar is gone at the end."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._spoken = time.monotonic()
        self._task: TaskID | None = None
        self._bar: Progress | None = None
        if self._console.is_terminal and not quiet:
            self._bar = Progress(
                TextColumn("{task.fields[stage]:<9}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f}%"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )

    def __enter__(self) -> "Screen":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, stage: str, doing: str) -> None:
        """Show a new bar, or a line."""
        if self._bar is not None:
            self._task = self._bar.add_task(doing, total=1.0, stage=stage)
        elif not self._quiet:
            self._console.print(f"{stage:<9} ... {doing}", markup=False)
        self._spoken = time.monotonic()

    def advance(self, share: float, words: str) -> None:
        """Move the bar; without a terminal, a line every half minute."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=share, description=words)
        elif not self._quiet and time.monotonic() - self._spoken > 30:
            self._console.print(f"          {share:4.0%} {words}", markup=False)
            self._spoken = time.monotonic()

    def end(self, stage: str, line: str, seconds: float) -> None:
        """Replace the bar by what came in and went out."""
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        if not self._quiet:
            self._console.print(f"{stage:<9} {seconds:6.1f} s  {line.strip()}", markup=False)

    def say(self, line: str) -> None:
        """Print a line."""
        if not self._quiet:
            self._console.print(line, markup=False)
