"""The Flask extensions, made unbound here and bound to the app in ``create_app``."""

from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_security import Security
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from sah.models.base import Base

# Pages show rows after the commit that closed the transaction before an AWS call.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})
migrate = Migrate()
csrf = CSRFProtect()
security = Security()
bootstrap = Bootstrap5()
