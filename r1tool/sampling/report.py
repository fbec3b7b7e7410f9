"""What a run of `sample` has done so far: for its progress row and its closing lines."""

from r1tool.client.reply import Reply


class Report:
    """Counts of generations and tokens; `kept` and `continued` are those an earlier run has left."""

    def __init__(self) -> None:
        self.done = self.kept = self.continued = self.missing = self.truncated = 0
        self.tokens = self.wasted = 0

    def finished(self, reply: Reply) -> None:
        """One more generation."""
        self.done += 1
        self.tokens += reply.completion_tokens
        self.wasted += reply.wasted
        self.truncated += reply.finish_reason == "length"
