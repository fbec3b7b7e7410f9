"""How many requests one server is given: slow start, then additive increase and multiplicative decrease."""

START = 16
CEILING = 4096


class Growth:
    """The limit of requests in flight at one server under `--concurrency auto`."""

    def __init__(self) -> None:
        self.limit = START
