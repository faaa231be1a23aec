import errno
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from sah.logs import configure_logs

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


def test_one_event_is_one_json_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    structlog.get_logger("sah").info("sync.finished", project="shop", failed=0)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["timestamp"].endswith("Z")
    assert (event["event"], event["project"], event["failed"]) == ("sync.finished", "shop", 0)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"secret_access_key": SECRET},
        {"password": SECRET},
        {"token": SECRET},
        {"Authorization": SECRET},
        {"cookie": SECRET},
        {"details": {"secret": SECRET, "deep": [{"api_key": SECRET}]}},
        {"header": f"Bearer {SECRET}"},
        {"header": f"authorization: basic {SECRET}"},
        {"said": f"aws_secret_access_key = {SECRET}"},
        {"said": f"AWS_SECRET_ACCESS_KEY={SECRET}"},
        {"said": f'{{"password": "{SECRET}"}}'},
        {"body": f"email=a&password={SECRET}&x=1"},
        {"url": f"postgresql://sah:{SECRET}@db/sah"},
        {"error": ValueError(f"token={SECRET}")},
        {"many": (f"Bearer {SECRET}",)},
    ],
)
def test_no_secret_is_logged(
    capsys: pytest.CaptureFixture[str], form: str, fields: dict[str, object]
) -> None:
    configure_logs(form, "info")
    structlog.get_logger("sah").info("something.happened", **fields)
    said = capsys.readouterr().err
    assert SECRET not in said
    assert "[redacted]" in said


def test_tokens_are_blanked_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    secret = "sah_" + "0123456789abcdef" * 4
    structlog.get_logger("sah").info(f"got {secret}", path=f"/x?y={secret}", module="sah_history")
    said = capsys.readouterr().err
    assert secret not in said
    assert "sah_history" in said


def test_access_key_ids_are_blanked_within_texts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    structlog.get_logger("sah").info(f"used {KEY_ID} today", note=f"key ({KEY_ID})")
    said = capsys.readouterr().err
    assert KEY_ID not in said
    assert "today" in said


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_logged_within_an_exception(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure_logs(form, "info")
    error = ValueError(f"the header was Bearer {SECRET} of {KEY_ID}")
    structlog.get_logger("sah").error("crashed", exc_info=error)
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert SECRET not in said
    assert KEY_ID not in said


def test_libraries_go_through_the_same_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    logging.getLogger("somebody").warning("sent %s", f"Bearer {SECRET}", extra={"password": SECRET})
    event = json.loads(capsys.readouterr().err)
    assert event["event"] == "sent Bearer [redacted]"
    assert event["password"] == "[redacted]"


def test_plain_facts_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "info")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop:7"
    facts = {"arn": arn, "url": "http://127.0.0.1:4566/x", "count": 3, "none": None, "yes": True}
    structlog.get_logger("sah").info("seen", **facts)
    assert facts.items() <= json.loads(capsys.readouterr().err).items()


def test_the_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("console", "error")
    structlog.get_logger("sah").warning("quiet")
    logging.getLogger("botocore.credentials").warning("quiet as well")
    structlog.get_logger("sah").error("loud")
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "loud" in said


def test_lines_go_to_where_standard_error_is_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logs("console", "info")
    later = io.StringIO()
    monkeypatch.setattr(sys, "stderr", later)
    structlog.get_logger("sah").info("moved")
    assert "moved" in later.getvalue()
    assert not capsys.readouterr().err


class _FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, text)


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_fails_because_the_log_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    configure_logs(form, "info")
    closed = io.StringIO()
    closed.close()
    for stream in (_FullDisk(), closed):
        monkeypatch.setattr(sys, "stderr", stream)
        structlog.get_logger("sah").warning("operation.putting_back", moves=3)


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_is_logged_cannot_steer_a_terminal_or_forge_a_line(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure_logs(form, "info")
    steering = "/a\x1b[2J\x00\x9b\u202e\nforged"
    structlog.get_logger("sah").info("request.finished", path=steering)
    logging.getLogger("library").warning("said %s", steering)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_traceback_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("console", "info")
    structlog.get_logger("sah").error("request.failed", exc_info=ValueError("a\x1b[2J"))
    said = capsys.readouterr().err
    assert "\nValueError: a\\x1b[2J" in said
