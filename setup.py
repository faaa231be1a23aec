"""Package metadata: what SAH needs, and why each dependency is there."""

from pathlib import Path

from setuptools import find_packages, setup

RUN = [
    "Flask>=3.1,<4",  # the web framework
    "Flask-SQLAlchemy>=3.1,<4",  # the session per request
    "SQLAlchemy>=2.1,<2.2",  # tables and queries
    "Flask-Migrate>=4.1,<5",  # Alembic migrations, applied at start
    "Flask-WTF>=1.3,<2",  # forms and CSRF
    "Flask-Security>=5.9,<6",  # log in, passwords, roles
    "argon2-cffi>=25.1",  # the password hash that Flask-Security uses here
    "email-validator>=2.3,<3",  # Flask-Security and the forms check addresses with it
    "Bootstrap-Flask>=2.5,<3",  # Bootstrap's own files, served locally
    "cryptography>=50,<51",  # MultiFernet: stored AWS keys are encrypted at rest
    "spectree>=3,<4",  # checks what the JSON API gets, and describes it by OpenAPI
    "pydantic>=2.14,<3",  # the shapes of the JSON API
    "structlog>=26.1,<27",  # structured logs
    "boto3>=1.44,<2",  # AWS
    "APScheduler>=3.11,<4",  # the sync, every minute
    "gunicorn>=27,<28",  # the server
    "click>=8.3,<9",  # the command line
    "rich>=15,<16",  # its tables
]
DEMO = [
    "moto[server,cloudformation,apigateway]>=5.2.5,<5.3",  # the embedded AWS
]
DEV = [
    *DEMO,
    "cfn-lint>=1.58,<2",  # judges the templates that the plugin rewrites
    "boto3-stubs[cloudformation,lambda,sts]>=1.43,<2",  # types for mypy
    "coverage>=7.13,<8",  # what the tests reach
    "djlint>=1.42,<2",  # lint for templates
    "hypothesis>=6.150,<7",  # properties of the domain
    "import-linter>=2.9,<3",  # keeps the layers
    "mypy>=2.4,<3",  # types
    "playwright>=1.60,<2",  # drives Debian's Chromium in the browser tests
    "pytest>=9,<10",  # the test runner
    "pytest-randomly>=5,<6",  # random order
    "pytest-xdist>=3.8,<4",  # both processors
    "pytest-socket>=0.8,<1",  # no socket but loopback
    "schemathesis>=4.32,<5",  # tries the JSON API against its own description
    "ruff>=0.17,<0.18",  # lint and format
    "time-machine>=3,<4",  # a clock that tests can set
]

setup(
    name="serverless-alias-helper",
    version="0.1.0",
    description="Rolls a whole serverless stack back in seconds by repointing its Lambda aliases.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["sah", "sah.*"]),
    package_data={
        "sah": [
            "py.typed",
            "templates/**/*",
            "static/**/*",
            "migrations/*",
            "migrations/versions/*",
            "demo/**/*",
            "localaws/*.mjs",
            "plugin/*",
            "plugin/lib/*",
        ]
    },
    install_requires=RUN,
    extras_require={
        "demo": DEMO,
        "dev": DEV,
        "postgres": ["psycopg[binary]>=3.2,<4"],  # another database than SQLite
    },
    entry_points={"console_scripts": ["sah=sah.cli:main"]},
)
