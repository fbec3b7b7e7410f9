"""A Hub on a loopback port that the unmodified huggingface_hub, hf_xet and datasets clients push to and load from.

Knows datasets only. Large files go through hf_xet into a content store on disk: the client is told its address, so
chunks, hashes and shards are the client's own. `serve(folder)` starts it; HF_ENDPOINT is its address.
"""

import base64
import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_loopback"
USER = "tester"
LARGE = (".parquet", ".zst", ".gz")
DATE = "2025-01-01T00:00:00.000Z"
XET_SHARD_HEADER, XET_RECORD = 48, 48


@dataclass
class Commit:
    """One version of a dataset: its files by path."""

    oid: str
    title: str
    files: dict[str, dict[str, Any]]


@dataclass
class Hub:
    """The datasets, what was asked for, and the failures still to be answered."""

    folder: Path
    url: str = ""
    repos: dict[str, list[Commit]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    failures: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def store(self) -> str:
        return f"local://{self.folder}"

    def files(self, repo: str) -> dict[str, dict[str, Any]]:
        return self.repos[repo][-1].files

    def commits(self, repo: str) -> list[str]:
        return [commit.title for commit in self.repos[repo]]

    def fail(self, method: str, path: str, status: int) -> None:
        """Answer the next request of this method whose path holds `path` with `status`."""
        self.failures.append((method, path, status))

    def commit(self, repo: str, title: str, files: dict[str, dict[str, Any]]) -> Commit:
        history = self.repos.setdefault(repo, [])
        oid = hashlib.sha1(f"{repo} {len(history)} {title}".encode()).hexdigest()
        history.append(Commit(oid, title, files))
        return history[-1]

    def xet_hash(self, sha256: str) -> str | None:
        """The content store's name of a file that the client has put there."""
        for shard in self.folder.glob("xet/xorbs/shards/*.mdb"):
            for known, xet in _described(shard.read_bytes()):
                if known == sha256:
                    return xet
        return None

    def content(self, file: dict[str, Any], start: int, end: int) -> bytes:
        if "data" in file:
            return bytes(file["data"][start:end])
        import hf_xet

        group = hf_xet.XetSession().new_download_stream_group(endpoint=self.store)
        stream = group.download_stream(hf_xet.XetFileInfo(file["xetHash"], file["size"]), start=start, end=end)
        return b"".join(stream)


def _described(shard: bytes) -> Iterator[tuple[str, str]]:
    """sha256 and xet hash of each file of a xet shard."""
    at = XET_SHARD_HEADER
    while at + XET_RECORD <= len(shard) and shard[at : at + 32] != b"\xff" * 32:
        xet = shard[at : at + 32]
        flags, entries = struct.unpack("<II", shard[at + 32 : at + 40])
        at += XET_RECORD * (1 + entries * (2 if flags >> 31 & 1 else 1))
        if flags >> 30 & 1:
            yield _hex(shard[at : at + 32]), _hex(xet)
            at += XET_RECORD


def _hex(digest: bytes) -> str:
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        body = self._body()
        failure = next((each for each in self.hub.failures if each[0] == self.command and each[1] in url.path), None)
        if failure:
            self.hub.failures.remove(failure)
            self._answer({"error": "injected"}, failure[2], {"Retry-After": "0"})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid credentials in Authorization header"}, 401)
        else:
            self._route(unquote(url.path), parse_qs(url.query), body)

    do_GET = do_POST = do_HEAD = handle_request

    def _route(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        if path == "/api/whoami-v2":
            self._answer({"type": "user", "name": USER, "orgs": [], "auth": {"type": "access_token"}})
        elif path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            self._file(match[1], match[2])
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/([a-z-]+)(?:/([^/]+)(?:/(.*))?)?)?", path):
            repo, verb, _, rest = match.groups()
            if repo not in self.hub.repos:
                self._missing("RepoNotFound")
            elif verb in (None, "revision"):
                self._info(repo)
            elif verb == "tree":
                self._tree(repo, rest or "", "true" in query.get("recursive", [""])[0].lower())
            elif verb == "paths-info":
                paths = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode())["paths"]
                self._answer([self._entry(repo, each) for each in paths if each in self.hub.files(repo)])
            elif verb == "preupload":
                self._preupload(repo, json.loads(body)["files"])
            elif verb in ("xet-write-token", "xet-read-token"):
                self._xet_token()
            elif verb == "commit":
                self._commit(repo, [json.loads(line) for line in body.splitlines() if line.strip()])
            else:
                self._missing("EntryNotFound")
        else:
            self._missing("EntryNotFound")

    def _create(self, wanted: dict[str, Any]) -> None:
        repo = f"{wanted.get('organization') or USER}/{wanted['name']}"
        url = {"url": f"{self.hub.url}/datasets/{repo}", "name": repo, "id": "0"}
        if repo in self.hub.repos:
            self._answer({"error": "You already created this repo", **url}, 409)
            return
        self.hub.private[repo] = wanted.get("visibility") == "private"
        self.hub.commit(repo, "initial commit", {})
        self._answer(url)

    def _info(self, repo: str) -> None:
        last = self.hub.repos[repo][-1]
        siblings = [{"rfilename": path} for path in sorted(last.files)]
        self._answer(
            {
                "id": repo,
                "sha": last.oid,
                "private": self.hub.private[repo],
                "gated": False,
                "disabled": False,
                "lastModified": DATE,
                "tags": [],
                "siblings": siblings,
            }
        )

    def _entry(self, repo: str, path: str) -> dict[str, Any]:
        file = self.hub.files(repo)[path]
        kept = {name: file[name] for name in ("size", "oid", "lfs", "xetHash") if name in file}
        return {"type": "file", "path": path, **kept}

    def _tree(self, repo: str, base: str, recursive: bool) -> None:
        prefix = f"{base}/" if base else ""
        below = [path for path in sorted(self.hub.files(repo)) if path.startswith(prefix)]
        if base and not below:
            self._missing("EntryNotFound")
            return
        folders = {prefix + path[len(prefix) :].rpartition("/")[0] for path in below if "/" in path[len(prefix) :]}
        here = [path for path in below if recursive or "/" not in path[len(prefix) :]]
        listed = [{"type": "directory", "path": folder, "oid": "0" * 40, "size": 0} for folder in sorted(folders)]
        self._answer(listed + [self._entry(repo, path) for path in here])

    def _preupload(self, repo: str, files: list[dict[str, Any]]) -> None:
        known = self.hub.files(repo)
        answer = []
        for file in files:
            path = file["path"]
            told = {"path": path, "uploadMode": "lfs" if path.endswith(LARGE) else "regular", "shouldIgnore": False}
            if path in known:
                told["oid"] = known[path]["lfs"]["oid"] if "lfs" in known[path] else known[path]["oid"]
            answer.append(told)
        self._answer({"files": answer})

    def _xet_token(self) -> None:
        token = {"casUrl": self.hub.store, "accessToken": "any", "exp": 4102444800}
        headers = {
            "X-Xet-Cas-Url": self.hub.store,
            "X-Xet-Access-Token": "any",
            "X-Xet-Token-Expiration": "4102444800",
        }
        self._answer(token, headers=headers)

    def _commit(self, repo: str, lines: list[dict[str, Any]]) -> None:
        files = dict(self.hub.files(repo))
        title = ""
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                title = value["summary"]
            elif line["key"] == "deletedFile":
                files.pop(value["path"])
            elif line["key"] == "file":
                data = base64.b64decode(value["content"])
                oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
                files[value["path"]] = {"size": len(data), "oid": oid, "data": data}
            elif line["key"] == "lfsFile":
                xet = self.hub.xet_hash(value["oid"])
                if xet is None:
                    self._answer({"error": f"{value['oid']} was not uploaded"}, 400)
                    return
                lfs = {"oid": value["oid"], "size": value["size"], "pointerSize": 134}
                oid = hashlib.sha1(value["oid"].encode()).hexdigest()
                files[value["path"]] = {"size": value["size"], "oid": oid, "lfs": lfs, "xetHash": xet}
        commit = self.hub.commit(repo, title, files)
        self._answer({"success": True, "commitOid": commit.oid, "commitUrl": f"{self.hub.url}/datasets/{repo}"})

    def _file(self, repo: str, path: str) -> None:
        if repo not in self.hub.repos:
            self._missing("RepoNotFound")
            return
        last = self.hub.repos[repo][-1]
        file = last.files.get(path)
        headers = {"X-Repo-Commit": last.oid}
        if file is None:
            self._missing("EntryNotFound", headers)
            return
        headers["ETag"] = f'"{file["lfs"]["oid"] if "lfs" in file else file["oid"]}"'
        if "lfs" in file:
            headers |= {
                "X-Linked-Size": str(file["size"]),
                "X-Linked-Etag": headers["ETag"],
                "X-Xet-Hash": file["xetHash"],
                "Link": f'<{self.hub.url}/api/datasets/{repo}/xet-read-token/{last.oid}>; rel="xet-auth"',
            }
        start, end, status = 0, file["size"], 200
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else end, end)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{file['size']}"
            status = 206
        self._send(b"" if self.command == "HEAD" else self.hub.content(file, start, end), end - start, status, headers)

    def _missing(self, code: str, headers: dict[str, str] | None = None) -> None:
        self._answer({"error": code}, 404, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def _answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self._send(data, len(data), status, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, data: bytes, size: int, status: int, headers: dict[str, str]) -> None:
        self.hub.log.append((self.command, urlsplit(self.path).path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


@contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """A Hub that keeps large files in `folder`, for as long as the block lasts."""
    hub = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
