import errno
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sah.config import Settings, load_settings
from sah.domain.errors import ConfigError

KEY = "k" * 32


def load(tmp_path: Path, **environ: str) -> Settings:
    return load_settings(tmp_path / "instance", environ)


def test_without_any_setting_the_instance_keeps_its_own_secrets(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert first == second
    assert first.database_url == f"sqlite:///{tmp_path}/instance/sah.sqlite"
    assert len(first.secret_key) >= 32
    assert Fernet(first.encryption_keys[0]).encrypt(b"x")


def test_secrets_and_their_folder_are_the_owners_alone(tmp_path: Path) -> None:
    folder = load(tmp_path).instance
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {"instance": 0o700, "secret_key": 0o600, "encryption_keys": 0o600}


def test_first_starts_at_the_same_time_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load(tmp_path), range(8)))
    assert len({(s.secret_key, s.encryption_keys) for s in found}) == 1
    assert {path.name for path in found[0].instance.iterdir()} == {"secret_key", "encryption_keys"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAH_PORT", "eighty"),
        ("SAH_PORT", "65536"),
        ("SAH_PORT", "-1"),
        ("SAH_KEEP_SNAPSHOTS", "all"),
        ("SAH_KEEP_SNAPSHOTS", "-1"),
        ("SAH_PORT", "٨"),
        ("SAH_PORT", ""),
        ("SAH_HOST", " "),
        ("SAH_THREADS", "0"),
        ("SAH_SYNC_INTERVAL", "1"),
        ("SAH_PROXY_HOPS", "6"),
        ("SAH_COOKIE_SECURE", "maybe"),
        ("SAH_API_REQUESTS_PER_MINUTE", "0"),
        ("SAH_API_FAILURES_PER_MINUTE", "many"),
        ("SAH_LOG_FORMAT", "xml"),
        ("SAH_LOG_LEVEL", "loud"),
        ("SAH_DATABASE_URL", ""),
        ("SAH_SECRET_KEY", "short"),
        ("SAH_SECRET_KEY", ""),
        ("SAH_SECRET_KEY_FILE", "/nonexistent/key"),
        ("SAH_ENCRYPTION_KEYS", "not-a-fernet-key"),
        ("SAH_ENCRYPTION_KEYS", " , "),
        ("SAH_ENCRYPTION_KEYS_FILE", "/nonexistent/keys"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: value})
    assert name in str(caught.value)


@pytest.mark.parametrize("environ", [{"SAH_INSTANCE": ""}, {"SAH_INSTANCE": "/proc/none"}])
def test_a_wrong_instance_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="SAH_INSTANCE"):
        load_settings(environ=environ)


def test_an_error_about_a_secret_does_not_show_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, SAH_ENCRYPTION_KEYS="hunter2hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_setting_is_refused_with_the_right_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no setting SAH_PROT\. Did you mean SAH_PORT\?"):
        load(tmp_path, SAH_PROT="1")


def test_an_unknown_setting_is_refused_with_all_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"SAH_XYZZY.*Known are .*SAH_PORT"):
        load(tmp_path, SAH_XYZZY="1")


def test_what_the_plugin_reads_is_no_error(tmp_path: Path) -> None:
    assert load(tmp_path, SAH_URL="http://sah", SAH_TOKEN="t", PATH="/bin").port == 8000


def test_settings_are_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        SAH_HOST=" 0.0.0.0 ",
        SAH_PORT="0",
        SAH_THREADS="3",
        SAH_SYNC_INTERVAL="300",
        SAH_COOKIE_SECURE="Yes",
        SAH_PROXY_HOPS="1",
        SAH_LOG_FORMAT="json",
        SAH_LOG_LEVEL="debug",
        SAH_SECRET_KEY=KEY,
    )
    assert (settings.host, settings.port, settings.threads) == ("0.0.0.0", 0, 3)  # noqa: S104
    assert (settings.sync_interval_s, settings.cookie_secure, settings.proxy_hops) == (300, True, 1)
    assert (settings.log_format, settings.log_level, settings.secret_key) == ("json", "debug", KEY)


def test_a_secret_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    settings = load(tmp_path, SAH_SECRET_KEY_FILE=str(file))
    assert settings.secret_key == KEY
    assert not (settings.instance / "secret_key").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\xff", b"  \n"])
def test_a_secret_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="SAH_SECRET_KEY_FILE"):
        load(tmp_path, SAH_SECRET_KEY_FILE=str(file))


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Both SAH_SECRET_KEY and SAH_SECRET_KEY_FILE"):
        load(tmp_path, SAH_SECRET_KEY=KEY, SAH_SECRET_KEY_FILE="/x")


def test_several_encryption_keys_are_kept_in_order(tmp_path: Path) -> None:
    keys = tuple(Fernet.generate_key().decode() for _ in range(3))
    assert load(tmp_path, SAH_ENCRYPTION_KEYS=", ".join(keys)).encryption_keys == keys


def test_a_printed_settings_object_shows_no_secret(tmp_path: Path) -> None:
    settings = load(tmp_path, SAH_SECRET_KEY=KEY)
    assert KEY not in repr(settings)
    assert settings.encryption_keys[0] not in repr(settings)


def test_a_folder_that_nothing_can_be_written_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("sah.config.os.open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ConfigError, match=r"SAH_INSTANCE: .*Read-only file system"):
        load(tmp_path)
