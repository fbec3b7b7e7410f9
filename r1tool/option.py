"""What the command line says of a field, beside the field's own type and default.

    @dataclass(frozen=True)
    class SampleOptions:
        n: Annotated[int, Option("-n", metavar="N", min=1, help="Generations per problem.")] = 2

`commands/expand.py` makes options of such fields; man pages, completions and the README's list derive from those.
"""

from collections.abc import Callable
from typing import Any


class Option:
    """The flags of a field, what they take, and a line of help.

    No flags: the positional arguments. `--` alone: what follows `--`, word by word. `parse` turns the text into the
    value and raises ValueError with a sentence. `show_default` may be a text to show in place of the default; where it
    is False the default is left to the dataclass.
    """

    def __init__(
        self,
        *flags: str,
        help: str = "",
        metavar: str | None = None,
        min: float | None = None,
        max: float | None = None,
        parse: Callable[[str], Any] | None = None,
        show_default: bool | str = True,
    ) -> None:
        self.flags, self.help, self.metavar = flags, help, metavar
        self.min, self.max = min, max
        self.parse, self.show_default = parse, show_default

    @property
    def takes_rest(self) -> bool:
        """Whether the field takes what follows `--`."""
        return self.flags == ("--",)
