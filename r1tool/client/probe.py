"""Whether a server answers, asked apart from any request."""

import asyncio

from r1tool.client.capabilities import inquire
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Failure, Unusable
from r1tool.client.request import COMPLETION
from r1tool.serving.identify import KEY_NEEDED, identify

PROBE_TIMEOUT_SECONDS = 30.0


async def trouble_of(endpoint: Endpoint) -> str | None:
    """None if the server answers, and it is identified, else what is wrong. Raises Unusable if it wants a key."""
    import aiohttp

    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            async with endpoint.session.get(f"{endpoint.url}/v1/models") as response:
                status = response.status
            if status in (401, 403):
                raise Unusable(f"{endpoint.url} returned {status}: {KEY_NEEDED}")
            if status >= 500 or status == 429:
                return f"it returned {status}"
            endpoint.identity = await identify(endpoint.session, endpoint.url)
    except TimeoutError:
        return f"no answer within {PROBE_TIMEOUT_SECONDS:.0f} s"
    except (aiohttp.ClientError, OSError) as error:
        return str(error) or type(error).__name__
    return None


async def trouble_with_a_token(endpoint: Endpoint) -> str | None:
    """None if the server makes a token, or refuses to; else what is wrong."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            await inquire(endpoint, COMPLETION, {"prompt": "1", "max_tokens": 1})
    except TimeoutError:
        return f"no token within {PROBE_TIMEOUT_SECONDS:.0f} s"
    except Failure as failure:
        return str(failure)
    return None
