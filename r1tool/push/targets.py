"""Where a dataset is published: a folder of one's own, or the Hugging Face Hub."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from r1tool.errors import USAGE, R1Error
from r1tool.push.card import MARK
from r1tool.push.configs import Part

Files = Mapping[Part, Sequence[str]]
"""Paths of the shards within the dataset."""


class Target(Protocol):
    """A place for a dataset; `name` is what load_dataset is given."""

    name: str

    def check(self) -> None:
        """Raises R1Error where it is plain already that nothing can be published."""

    def holds(self, path: str | None) -> bool:
        """Whether this local file lies in the target."""

    def has_own_readme(self) -> bool:
        """Whether somebody has written a README.md there by hand."""

    def fetch(self, file: str) -> tuple[str, str]:
        """The shell command that brings a file of the dataset here, none if it need not, and its path then."""

    def staging(self) -> AbstractContextManager[Path]:
        """An empty folder to write to, gone in the end."""

    def put(self, folder: Path, files: Files, private: bool) -> str:
        """Publish the staging folder and return where it is now."""


def parse_target(text: str) -> Target:
    """`OWNER/NAME` on the Hub, or a folder: ./DIR, /DIR, ~/DIR, or one that exists. Raises R1Error."""
    if text.startswith(("./", "../", "/", "~")) or text in (".", "..") or Path(text).is_dir():
        return LocalTarget(text)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text) and not Path(text).exists():
        return HubTarget(text)
    raise R1Error(f"{text}: the last argument must be the target: OWNER/NAME on the Hub, or ./FOLDER", USAGE)


class LocalTarget:
    """A folder. Files appear in it once all of them are written; shards of an earlier run of the same parts go."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._path = Path(path).expanduser()

    def check(self) -> None:
        if self._path.exists() and not self._path.is_dir():
            raise R1Error(f"{self.name} is a file, not a folder")

    def holds(self, path: str | None) -> bool:
        return path is not None and self._path.resolve() in Path(path).resolve().parents

    def has_own_readme(self) -> bool:
        readme = self._path / "README.md"
        return readme.exists() and MARK not in readme.read_text(encoding="utf-8")

    def fetch(self, file: str) -> tuple[str, str]:
        return "", f"{self.name.rstrip('/')}/{file}"

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Beside what is in the folder, so that moving is renaming."""
        folder = self._path / ".push.partial"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise R1Error(f"{self.name}: cannot write: {error.strerror}") from None
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, folder: Path, files: Files, private: bool) -> str:
        for part, names in files.items():
            for old in (self._path / part.folder).glob(f"{part.split}-*-of-*.parquet"):
                if old.relative_to(self._path).as_posix() not in names:
                    old.unlink()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                place = self._path / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                path.replace(place)
        return self.name


class HubTarget:
    """A dataset OWNER/NAME on the Hub. What is there is not sent again, so that a stopped upload is resumed."""

    def __init__(self, repo_id: str) -> None:
        self.name = repo_id

    def check(self) -> None:
        from huggingface_hub import HfApi

        with _explained(self.name):
            HfApi().whoami()

    def holds(self, path: str | None) -> bool:
        return False

    def has_own_readme(self) -> bool:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

        with _explained(self.name):
            try:
                path = hf_hub_download(self.name, "README.md", repo_type="dataset")
            except (EntryNotFoundError, RepositoryNotFoundError):
                return False
        return MARK not in Path(path).read_text(encoding="utf-8")

    def fetch(self, file: str) -> tuple[str, str]:
        return f"hf download --repo-type dataset {self.name} {file} --local-dir .", file

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """In TMPDIR."""
        with tempfile.TemporaryDirectory(prefix="r1tool-push-") as folder:
            yield Path(folder)

    def put(self, folder: Path, files: Files, private: bool) -> str:
        """Raises R1Error where `private` is asked for and the dataset is there and public."""
        from huggingface_hub import HfApi

        api = HfApi()
        with _explained(self.name):
            url = api.create_repo(self.name, repo_type="dataset", private=private, exist_ok=True)
            if private and not api.dataset_info(self.name).private:
                raise R1Error(
                    f"{self.name} exists and is public: make it private in its settings, or choose another name"
                )
            api.upload_folder(
                repo_id=self.name,
                repo_type="dataset",
                folder_path=folder,
                commit_message="Add data with r1tool push",
                delete_patterns=[f"{part.folder}/{part.split}-*-of-*.parquet" for part in files],
            )
        return str(url)


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """Errors of the Hub, its client and the network as one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    try:
        yield
    except HFValidationError as error:
        raise R1Error(f"{repo_id}: {error}") from None
    except Exception as error:
        if type(error).__module__ == "builtins" or isinstance(error, R1Error):
            raise
        response = error.response if isinstance(error, HfHubHTTPError) else None
        if isinstance(error, LocalTokenNotFoundError) or (response is not None and response.status_code == 401):
            raise R1Error("not logged in to the Hub: run 'hf auth login' or set HF_TOKEN") from None
        if isinstance(error, HfHubHTTPError) and response is not None:
            said = f"the Hub answered {response.status_code} {error.server_message or response.reason_phrase}"
        else:
            said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise R1Error(f"{repo_id}: {said}; run the same command to resume the upload") from None
