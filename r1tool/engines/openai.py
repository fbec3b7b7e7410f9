"""Any other server that speaks OpenAI's API: a gateway, a router, an engine that r1tool does not know."""

from r1tool.engines.engine import Engine

ENGINE = Engine("openai", continues_by=("apply-template", "tokenize"), may_be_gateway=True)
