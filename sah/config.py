"""Settings, read strictly: from SAH_* variables, and secrets that the instance keeps.

A secret may also come from a file that NAME_FILE names. Nonsense is refused at
start with the name of the setting, never guessed around.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cryptography.fernet import Fernet

from sah.domain.errors import ConfigError

# Read by other programs of the product, or by gunicorn_conf, so not an error here.
_FOREIGN = {"SAH_TOKEN", "SAH_URL"}
_SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one instance.

    ``encryption_keys`` are Fernet keys: the first encrypts, all decrypt, so that a
    key can be rotated. Times are in seconds. ``port`` 0 is any free one, and
    ``keep_snapshots`` 0 means all.
    """

    instance: Path
    database_url: str
    secret_key: str
    encryption_keys: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    threads: int = 8
    sync_interval_s: int = 60
    keep_snapshots: int = 0
    cookie_secure: bool = False
    proxy_hops: int = 0
    api_requests_per_minute: int = 60_000
    api_failures_per_minute: int = 30
    log_format: str = "console"
    log_level: str = "info"

    def __repr__(self) -> str:
        """Name the instance only, so that no log or traceback shows a secret."""
        return f"Settings({self.instance})"


def load_settings(
    instance: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read and check every setting, making the instance's secrets where they are missing.

    :raises ConfigError: a setting is unknown or wrong; the message names it.
    """
    env = os.environ if environ is None else environ
    _refuse_unknown(env)
    read = _Reader(env)
    folder = _instance_folder(instance or Path(read.text("SAH_INSTANCE", "instance")))
    return Settings(
        instance=folder,
        database_url=read.text("SAH_DATABASE_URL", f"sqlite:///{folder / 'sah.sqlite'}"),
        secret_key=_secret_key(read, folder),
        encryption_keys=_encryption_keys(read, folder),
        host=read.text("SAH_HOST", "127.0.0.1"),
        port=read.number("SAH_PORT", 8000, 0, 65535),
        threads=read.number("SAH_THREADS", 8, 1, 256),
        sync_interval_s=read.number("SAH_SYNC_INTERVAL", 60, 5, 86400),
        keep_snapshots=read.number("SAH_KEEP_SNAPSHOTS", 0, 0, 10_000),
        cookie_secure=read.switch("SAH_COOKIE_SECURE", default=False),
        proxy_hops=read.number("SAH_PROXY_HOPS", 0, 0, 5),
        api_requests_per_minute=read.number("SAH_API_REQUESTS_PER_MINUTE", 60_000, 1, 1_000_000),
        api_failures_per_minute=read.number("SAH_API_FAILURES_PER_MINUTE", 30, 1, 1_000_000),
        log_format=read.choice("SAH_LOG_FORMAT", "console", ("console", "json")),
        log_level=read.choice("SAH_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
    )


_KNOWN = {
    "SAH_INSTANCE",
    "SAH_DATABASE_URL",
    "SAH_SECRET_KEY",
    "SAH_SECRET_KEY_FILE",
    "SAH_ENCRYPTION_KEYS",
    "SAH_ENCRYPTION_KEYS_FILE",
    "SAH_HOST",
    "SAH_PORT",
    "SAH_THREADS",
    "SAH_SYNC_INTERVAL",
    "SAH_KEEP_SNAPSHOTS",
    "SAH_COOKIE_SECURE",
    "SAH_PROXY_HOPS",
    "SAH_API_REQUESTS_PER_MINUTE",
    "SAH_API_FAILURES_PER_MINUTE",
    "SAH_LOG_FORMAT",
    "SAH_LOG_LEVEL",
}


def _refuse_unknown(env: Mapping[str, str]) -> None:
    names = _KNOWN | _FOREIGN
    unknown = sorted(name for name in env if name.startswith("SAH_") and name not in names)
    if unknown:
        alike = get_close_matches(unknown[0], _KNOWN, n=1)
        hint = f"Did you mean {alike[0]}?" if alike else f"Known are {', '.join(sorted(_KNOWN))}."
        raise ConfigError(f"There is no setting {unknown[0]}.", hint)


def _instance_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"SAH_INSTANCE: the folder {folder} cannot be made: {error.strerror}."
        ) from error
    return folder.resolve()


def _secret_key(read: "_Reader", folder: Path) -> str:
    key = read.secret("SAH_SECRET_KEY", folder / "secret_key", secrets.token_urlsafe)
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(
            f"SAH_SECRET_KEY is shorter than {_SHORTEST_KEY} characters.",
            "Give a long random text, or unset it and SAH makes one.",
        )
    return key


def _encryption_keys(read: "_Reader", folder: Path) -> tuple[str, ...]:
    text = read.secret(
        "SAH_ENCRYPTION_KEYS", folder / "encryption_keys", lambda: Fernet.generate_key().decode()
    )
    keys = tuple(text.replace(",", " ").split())
    if not keys:
        raise ConfigError("SAH_ENCRYPTION_KEYS has no key in it.", "Unset it and SAH makes one.")
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise ConfigError(
                "SAH_ENCRYPTION_KEYS: one of the keys is not a Fernet key.",
                "Each is 32 bytes in URL-safe base64; separate several by commas or lines.",
            ) from error
    return keys


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one setting at a time; each error names the setting."""

    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        value = self.env.get(name)
        if value is None:
            return default
        if not value.strip():
            raise ConfigError(f"{name} is set but empty.", "Give it a value or unset it.")
        return value.strip()

    def number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ConfigError(f"{name} is “{text}”, but has to be a number from {low} to {high}.")
        return int(text)

    def switch(self, name: str, *, default: bool) -> bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        text = self.text(name, str(default)).lower()
        if text not in words:
            raise ConfigError(f"{name} is “{text}”, but has to be true or false.")
        return words[text]

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text not in choices:
            raise ConfigError(f"{name} is “{text}”, but has to be one of {', '.join(choices)}.")
        return text

    def secret(self, name: str, kept_in: Path, make: Callable[[], str]) -> str:
        """Read a secret from NAME, from the file that NAME_FILE names, or from the instance."""
        file = self.env.get(f"{name}_FILE")
        if file is not None and name in self.env:
            raise ConfigError(f"Both {name} and {name}_FILE are set.", "Keep one of them.")
        if name in self.env:
            return self.text(name, "")
        if file is not None:
            return _read_secret(f"{name}_FILE", Path(file))
        if not kept_in.exists():
            _write_secret(kept_in, make())
        return _read_secret(name, kept_in)


def _read_secret(name: str, file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}: the file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: the file {file} is not a text.") from error
    if not text:
        raise ConfigError(f"{name}: the file {file} is empty.")
    return text


def _write_secret(file: Path, text: str) -> None:
    """Write a new secret so that only its owner may ever read it, whole or not at all.

    Two processes may start at once: linking fails for the second, which then reads
    what the first one wrote.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(text + "\n")
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    except OSError as error:
        raise ConfigError(f"SAH_INSTANCE: {file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is left either
            draft.unlink()
