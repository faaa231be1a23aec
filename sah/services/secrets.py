"""Encrypt what has to be stored and read back, such as AWS secret keys."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from sah.domain.errors import ConfigError


def encrypt_secret(text: str) -> str:
    """Encrypt with the first of the encryption keys; an empty text stays empty."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def decrypt_secret(token: str) -> str:
    """Decrypt with any of the encryption keys.

    :raises ConfigError: none of the keys fits any more.
    """
    if not token:
        return ""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ConfigError(
            "A stored secret cannot be decrypted with SAH_ENCRYPTION_KEYS.",
            "Put the former key back, or enter the secret anew.",
        ) from error


def _fernet() -> MultiFernet:
    keys: tuple[str, ...] = current_app.config["ENCRYPTION_KEYS"]
    return MultiFernet([Fernet(key) for key in keys])
