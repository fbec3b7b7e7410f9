"""The request for one generation, and the hash by which a finished one is known again."""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from r1tool.client.request import Request
from r1tool.records.ids import sample_seed
from r1tool.sample.options import SampleOptions


class PromptBuilder:
    """How a problem becomes requests; `demonstration` puts the embedded model's examples in front of it."""

    def __init__(self, options: SampleOptions, *, demonstration: bool = False) -> None:
        self.options, self.demonstration = options, demonstration
        self.stop: list[str] = []
        self._demonstration_prompt: Callable[[str], str] | None = None
        if demonstration:
            from r1tool import demo

            self._demonstration_prompt, self.stop = demo.completion_prompt, list(demo.STOP)

    @property
    def template_sha(self) -> str:
        """Of everything that is put around a problem."""
        template = self._demonstration_prompt("{problem}") if self._demonstration_prompt else self.options.template
        return _sha([template, self.options.system, self.options.completion or self.demonstration, self.stop])

    def draft(self, problem: str, id_: str, index: int) -> Request:
        """The request for sample `index` of the row `id_`."""
        sampling: dict[str, Any] = {
            "temperature": self.options.temperature,
            "top_p": self.options.top_p,
            "max_tokens": self.options.max_tokens,
            "seed": sample_seed(self.options.seed, id_, index),
        }
        if self.stop:
            sampling["stop"] = self.stop
        if self._demonstration_prompt:
            return Request(prompt=self._demonstration_prompt(problem), **sampling)
        text = self.options.template.replace("{problem}", problem)
        if self.options.completion:
            return Request(prompt=text, **sampling)
        system = [{"role": "system", "content": self.options.system}] if self.options.system else []
        return Request(messages=[*system, {"role": "user", "content": text}], **sampling)

    def sha(self, draft: Request) -> str:
        """Of all that decides an answer but the model, which may be named or left to the server."""
        budget = [self.options.thinking_budget, self.options.wait]
        return _sha([draft.messages, draft.prompt, draft.sampling, budget])


def _sha(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
