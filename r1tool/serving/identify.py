"""What answers at a URL."""

import os
from typing import Any, NamedTuple

import aiohttp

from r1tool.engines import table
from r1tool.engines.engine import Engine

TIMEOUT = aiohttp.ClientTimeout(total=30)
KEY_NEEDED = "set R1TOOL_API_KEY or OPENAI_API_KEY"


class Identity(NamedTuple):
    """`engine` is UNKNOWN where it cannot be told; `model` the first it serves.

    `context` is how many tokens a request may have, the prompt included, None where nobody says so.
    """

    engine: Engine
    version: str | None
    model: str | None
    context: int | None


def authorization() -> dict[str, str] | None:
    """The header that shows a server the key of the environment, if there is one."""
    key = os.environ.get("R1TOOL_API_KEY") or os.environ.get("OPENAI_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else None


async def identify(session: aiohttp.ClientSession, url: str) -> Identity:
    """Who answers at `url`, which is without /v1.

    Routers answer for their workers, some without knowing: their model "unknown" is None. Raises aiohttp.ClientError
    or TimeoutError if nothing answers.
    """
    listing = await _get(session, f"{url}/v1/models")
    served = listing.get("data") if isinstance(listing, dict) else None
    first = served[0] if isinstance(served, list) and served and isinstance(served[0], dict) else {}
    engine = table.owner(first.get("owned_by"))
    model, context = first.get("id"), first.get("max_model_len")
    return Identity(
        engine,
        await _version(session, url, engine),
        model if model != "unknown" else None,
        context if isinstance(context, int) else None,
    )


async def _version(session: aiohttp.ClientSession, url: str, engine: Engine) -> str | None:
    if engine.version_route is None:
        return None
    path, key = engine.version_route
    answer = await _get(session, url + path)
    version = answer.get(key) if isinstance(answer, dict) else None
    return str(version) if version else None


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, timeout=TIMEOUT) as response:
        if response.status != 200:
            return None
        try:
            return await response.json(content_type=None)
        except ValueError:
            return None
