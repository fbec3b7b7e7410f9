"""One request to one server: its body, its stream, and what kind of failure a failure is."""

import asyncio
import errno
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import msgspec
import orjson

from r1tool.client import sse
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Broken, Busy, Dead, Gone, Overloaded, Refused, Unusable
from r1tool.client.request import Request
from r1tool.engines.table import ENGINES
from r1tool.serving.identify import KEY_NEEDED

EXCERPT_CHARACTERS = 300
TOKEN_CHARACTERS = 4
USAGE_AT_THE_END = {"include_usage": True}
USAGE_OF_EVENTS = USAGE_AT_THE_END | {"continuous_usage_stats": True}
"""Every event says how many tokens there are so far, as it may carry several: asked of an engine that cannot count
those of a text that it goes on from. Elsewhere the one process that writes the events is spared."""
ENDING_SECONDS = 2.0
"""For what follows a finish_reason: the count of tokens, and the end, by which the connection can be used again."""
JSON_HEADERS = {"Content-Type": "application/json"}


async def stream(
    endpoint: Endpoint, route: str, body: dict[str, Any], request: Request, enough: Callable[[Request], bool] | None
) -> int | None:
    """Ask for a streamed completion and append it to `request` until its finish_reason is known.

    Returns how many tokens the server says it has made, None where it does not say.

    `enough` is called after each event that brought text; once it says True the rest is not read, and there is
    no finish_reason. Raises Failure or Refused; what has arrived by then is in the request. What fails after the
    finish_reason costs the server's count of tokens at most.
    """
    usage = USAGE_OF_EVENTS if endpoint.identity.engine.counts_every_event else USAGE_AT_THE_END
    body = body | {"stream": True, "stream_options": usage}
    request.finish_reason = None
    answer = _Answer(endpoint, request)
    async with _Response(endpoint, route, body) as response:
        if "text/event-stream" not in response.headers.get("Content-Type", ""):
            for event in _events_of(await response.read(), route):
                if answer.take(event) and enough and enough(request):
                    return None
        elif await _follow(response, route, answer, lambda: bool(enough and enough(request))):
            return None
    if (finish := endpoint.identity.engine.finish_reasons.get(answer.finish or "")) is None:
        how = f"with finish_reason {answer.finish!r}" if answer.finish else "prematurely"
        raise Broken(f"{route}: the stream ended {how}")
    request.finish_reason = finish
    return answer.count()


async def _follow(response: aiohttp.ClientResponse, route: str, answer: "_Answer", enough: Callable[[], bool]) -> bool:
    """Take events to the end of the stream, or until `enough` says so (True)."""
    buffer, ending = sse.EventBuffer(), asyncio.timeout(None)
    try:
        async with ending:
            while True:
                chunk = await response.content.readany()
                for data in buffer.feed(chunk or b"\n"):  # a last line may lack its end
                    if data != sse.DONE and answer.take(_event(data, route)) and enough():
                        return True
                    if (answer.finish or data == sse.DONE) and ending.when() is None:
                        ending.reschedule(asyncio.get_running_loop().time() + ENDING_SECONDS)
                if not chunk:
                    return False
    except (aiohttp.ClientError, OSError, Broken):
        if ending.when() is None:
            raise
    return False


class _Answer:
    """What the events of one exchange have brought to the request."""

    def __init__(self, endpoint: Endpoint, request: Request) -> None:
        self.finish: str | None = None
        self._endpoint, self._request, self._before = endpoint, request, request.tokens
        self._usage: sse.Usage | None = None
        self._counted = False

    def take(self, event: sse.Event) -> bool:
        """Whether the event brought text."""
        usage, request, tokens = event.usage, self._request, 1
        if usage is not None:
            self._usage = usage
        if not event.choices:
            return False
        choice = event.choices[0]
        if choice.finish_reason:
            self.finish = choice.finish_reason
        delta = choice.delta
        if delta is None:
            content, reasoning = choice.text, None
        else:
            content, reasoning = delta.content, delta.reasoning or delta.reasoning_content
        if not content and not reasoning:
            return False
        if usage is not None and usage.completion_tokens and self._endpoint.identity.engine.counts_every_event:
            tokens = max(1, self._before + usage.completion_tokens - request.tokens)
            self._counted = True
        request.append(content, reasoning, tokens)
        self._endpoint.progressed(tokens)
        return True

    def count(self) -> int | None:
        """Put the server's count of tokens, if any, in the place of ours, which may be of events, and return it."""
        request, before, usage = self._request, self._before, self._usage
        if usage is None:
            return None
        if usage.prompt_tokens is not None and request.prompt_tokens is None:
            request.prompt_tokens = max(0, usage.prompt_tokens - before)
        if usage.completion_tokens is None:
            return None
        events, thinking = request.tokens - before, request.thinking_tokens
        if thinking is not None and thinking > before and events and not self._counted:
            request.thinking_tokens = before + round((thinking - before) * usage.completion_tokens / events)
        request.tokens = before + usage.completion_tokens
        return usage.completion_tokens


async def post(endpoint: Endpoint, route: str, body: dict[str, Any]) -> Any:
    """Ask for one JSON object."""
    async with _Response(endpoint, route, body) as response:
        content = await response.read()
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise Broken(f"{route} returned {_excerpt(content)}, which is not JSON") from None
    endpoint.progressed()
    return answer


class _Response:
    """`async with _Response(...) as response`: a response of status 200; else a Failure or Refused."""

    def __init__(self, endpoint: Endpoint, route: str, body: dict[str, Any]) -> None:
        self._endpoint, self._route, self._body = endpoint, route, body
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            self._response = response = await self._endpoint.session.post(
                self._endpoint.url + self._route, data=orjson.dumps(self._body), headers=JSON_HEADERS
            )
            if moved := next((step for step in response.history if step.status not in (307, 308)), None):
                raise Unusable(
                    f"{moved.url} returned {moved.status}: it moved to {moved.headers.get('Location')}; "
                    "give the new address as --url"
                )
            if response.status != 200:
                raise _failure(response, self._route, await response.read())
            return response
        except BaseException as error:
            self._close()
            if isinstance(error, aiohttp.TooManyRedirects):
                raise Unusable(f"{self._endpoint.url} redirects in a loop; check --url") from None
            if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):
                raise Overloaded(
                    f"{self._endpoint.url} cannot be reached: too many open files; raise 'ulimit -n' ({error})"
                ) from None
            if isinstance(error, (aiohttp.ClientConnectorError, TimeoutError)):
                raise Gone(f"{self._endpoint.url} cannot be reached: {error or type(error).__name__}") from None
            if isinstance(error, (aiohttp.ClientError, OSError)):
                raise Busy(f"{self._endpoint.url} closed the connection ({error or type(error).__name__})") from None
            raise

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._close()
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise Busy(f"{self._endpoint.url} closed the connection ({error or type(error).__name__})") from None

    def _close(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            if response.content.is_eof():
                response.release()
            else:
                response.close()


def _event(data: bytes, route: str) -> sse.Event:
    try:
        event = sse.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Broken(f"{route} sent an unreadable event ({error}): {_excerpt(data)}") from None
    if event.error is not None:
        message = event.error.get("message") if isinstance(event.error, dict) else event.error
        text = f"{route} broke off: {message}"
        raise Dead(text) if _tells_of_death(str(message)) else Broken(text)
    return event


def _events_of(content: bytes, route: str) -> Iterator[sse.Event]:
    """An answer that came as one JSON object, in events of about a token: so it is seen how long the thought is."""
    try:
        whole = sse.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Broken(f"{route} returned {_excerpt(content)} instead of an event stream") from None
    choice = whole.choices[0] if whole.choices else None
    if choice is None or whole.error is not None:
        raise Broken(f"{route} returned {_excerpt(content)} instead of an event stream")
    message = choice.message or sse.Delta(content=choice.text)
    for name, text in (("reasoning", message.reasoning or message.reasoning_content), ("content", message.content)):
        for at in range(0, len(text := text or ""), TOKEN_CHARACTERS):
            delta = sse.Delta(**{name: text[at : at + TOKEN_CHARACTERS]})
            yield sse.Event(choices=[sse.Choice(delta=delta)])
    yield sse.Event(choices=[sse.Choice(finish_reason=choice.finish_reason)], usage=whole.usage)


def _failure(response: aiohttp.ClientResponse, route: str, content: bytes) -> Exception:
    status, excerpt = response.status, _excerpt(content)
    message = f"{route} answered {status}: {excerpt}"
    if _tells_of_death(excerpt):
        return Dead(message)
    if status in (408, 425, 429, 502, 503, 504):
        wish = response.headers.get("Retry-After", "")
        kind = Overloaded if status in (429, 503) else Busy
        return kind(message, float(wish) if wish.isdecimal() else None, status)
    if status in (401, 403):
        return Unusable(f"{response.url.origin()} denied access ({status}): {KEY_NEEDED}")
    if status == 404:
        return Unusable(f"{response.url} returned 404: {excerpt.rstrip('.')}; check --url and --model")
    if status in (400, 413, 422):
        return Refused(message)
    return Unusable(f"{response.url} returned {status}: {excerpt}") if 400 < status < 500 else Broken(message)


def _tells_of_death(text: str) -> bool:
    """In any engine's words: a router passes on those of its workers."""
    return any(sign in text for engine in ENGINES.values() for sign in engine.death_signs)


def _excerpt(content: bytes) -> str:
    """The server's own words, on one line."""
    try:
        answer = orjson.loads(content)
        error = answer.get("error", answer)
        text = str(error.get("message") or error.get("detail") or error if isinstance(error, dict) else error)
    except (orjson.JSONDecodeError, AttributeError):
        text = content.decode(errors="replace")
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS] + "..."
