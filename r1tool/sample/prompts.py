"""The request for one generation, and the hash by which a finished one is known again."""

import hashlib
from typing import Any

import orjson

from r1tool.client.request import Request
from r1tool.engines.engine import Engine
from r1tool.records.ids import sample_seed
from r1tool.sample.options import TEMPLATE, SampleOptions


class PromptBuilder:
    """How a problem becomes requests to `engine` (None: a server at a URL) for `model` (None: what it serves).

    Where a demonstration model answers, and nothing was said of the prompt, its examples are put in front.
    """

    def __init__(self, options: SampleOptions, engine: Engine | None, model: str | None) -> None:
        self.options = options
        plain = options.template == TEMPLATE and not options.system and not options.completion
        self._demonstrates = plain and engine is not None and engine.demonstrates(model)
        self._stop: list[str] = []
        if self._demonstrates:
            from r1tool.demo import STOP

            self._stop = list(STOP)

    @property
    def template_sha(self) -> str:
        """Of everything that is put around a problem."""
        template = self._demonstration("{problem}") if self._demonstrates else self.options.template
        return _sha([template, self.options.system, self.options.completion or self._demonstrates, self._stop])

    def request(self, problem: str, id_: str, index: int) -> Request:
        """The request for sample `index` of the row `id_`."""
        sampling: dict[str, Any] = {
            "temperature": self.options.temperature,
            "top_p": self.options.top_p,
            "max_tokens": self.options.max_tokens,
            "seed": sample_seed(self.options.seed, id_, index),
        }
        if self._stop:
            sampling["stop"] = self._stop
        if self._demonstrates:
            return Request(prompt=self._demonstration(problem), **sampling)
        text = self.options.template.replace("{problem}", problem)
        if self.options.completion:
            return Request(prompt=text, **sampling)
        system = [{"role": "system", "content": self.options.system}] if self.options.system else []
        return Request(messages=[*system, {"role": "user", "content": text}], **sampling)

    def fingerprint(self, request: Request) -> str:
        """Of all that decides an answer but the model, which may be named or left to the server."""
        budget = [self.options.thinking_budget, self.options.wait]
        return _sha([request.messages, request.prompt, request.sampling, budget])

    def _demonstration(self, problem: str) -> str:
        from r1tool.demo import completion_prompt

        return completion_prompt(problem)


def _sha(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
