"""How the app is made, one named line a step; apart from ``sah`` so that importing it is quick."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Request
from flask_security import SQLAlchemyUserDatastore
from werkzeug.middleware.proxy_fix import ProxyFix

from sah import blueprints, formatting, models
from sah.aws.sessions import Connections
from sah.config import Settings, load_settings
from sah.database import apply_migrations, check_database_url, choose_engine_options, tune_sqlite
from sah.extensions import bootstrap, csrf, db, migrate, security
from sah.logs import configure_logs
from sah.services.people import MIN_PASSWORD_LENGTH

if TYPE_CHECKING:
    from sah.services.accounts import ConnectionPool


def create_app(
    settings: Settings | None = None,
    *,
    instance: Path | None = None,
    connections: "ConnectionPool | None" = None,
) -> Flask:
    """Make the app: read the settings, bind the extensions, bring the database up to date.

    :raises ConfigError: a setting is missing or wrong; the message names it.
    """
    settings = settings or load_settings(instance)
    configure_logs(settings.log_format, settings.log_level)
    app = Flask("sah", instance_path=str(settings.instance))
    configure_flask(app, settings)
    app.extensions["sah_connections"] = connections or Connections()
    bind_extensions(app)
    formatting.init_app(app)
    blueprints.init_app(app)
    trust_proxies(app, settings.proxy_hops)
    apply_migrations(app)
    return app


def configure_flask(app: Flask, settings: Settings) -> None:
    """Hand the settings to Flask and its extensions under the names that they know."""
    app.config.update(
        INSTANCE=str(settings.instance),
        SECRET_KEY=settings.secret_key,
        ENCRYPTION_KEYS=settings.encryption_keys,
        SYNC_INTERVAL_S=settings.sync_interval_s,
        KEEP_SNAPSHOTS=settings.keep_snapshots,
        API_REQUESTS_PER_MINUTE=settings.api_requests_per_minute,
        API_FAILURES_PER_MINUTE=settings.api_failures_per_minute,
        SQLALCHEMY_DATABASE_URI=check_database_url(settings.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=choose_engine_options(settings.database_url, settings.threads),
        MAX_CONTENT_LENGTH=1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        REMEMBER_COOKIE_SECURE=settings.cookie_secure,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_DURATION=timedelta(days=30),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_CHECK_DEFAULT=False,  # sah.blueprints.access does, for all but tokens
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session, so that no long-open form is lost
        BOOTSTRAP_SERVE_LOCAL=True,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of the hash
        SECURITY_PASSWORD_SALT=settings.secret_key,
        SECURITY_PASSWORD_LENGTH_MIN=MIN_PASSWORD_LENGTH,
        SECURITY_REGISTERABLE=False,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_SEND_REGISTER_EMAIL=False,
        SECURITY_POST_LOGIN_VIEW="/",
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"email": {"mapper": _lower, "case_insensitive": True}}],
        SECURITY_RETURN_GENERIC_RESPONSES=True,
    )


def bind_extensions(app: Flask) -> None:
    """Bind database, migrations, CSRF, log-in and Bootstrap to the app."""
    db.init_app(app)
    tune_sqlite(app)
    migrate.init_app(app, db, render_as_batch=True)
    csrf.init_app(app)
    bootstrap.init_app(app)
    security.init_app(app, SQLAlchemyUserDatastore(db, models.User, models.Role))
    # Views declare rights, so nobody asks Flask-Principal, which looks for a person at each call.
    security.principal.identity_loaders.clear()
    # Flask-Security's own tokens would open all that a person may do, and nobody could revoke one.
    app.login_manager.request_loader(_no_person)  # type: ignore[attr-defined]  # Flask-Login sets it


def trust_proxies(app: Flask, hops: int) -> None:
    """Believe the forwarding headers of as many proxies as the setting says."""
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _no_person(_request: Request) -> None:
    """Find nobody: a request is a person's by the session alone."""


def _lower(identity: str) -> str:
    return identity.strip().lower()
