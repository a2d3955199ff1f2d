"""One settings file. What differs between machines is an environment variable, read and checked here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy

from retailhub import environment
from retailhub.embedded.connection import find_services, secret_key

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.folder("DATA_DIR", BASE_DIR / ".data")
DEBUG = environment.flag("DEBUG", default=False)
DEMO = environment.flag("DEMO", default=True)

# With `make run` going, commands run beside it find its servers through a file in DATA_DIR.
_services = find_services(DATA_DIR)
DATABASE_URL = environment.text(
    "DATABASE_URL", _services.database_url if _services else "postgresql://127.0.0.1/retailhub"
)
BROKER_URL = environment.text("CELERY_BROKER_URL", _services.broker_url if _services else "memory://")

SECRET_KEY = environment.text("SECRET_KEY") or secret_key(DATA_DIR)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

# --- what is installed -----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_api_key",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "crispy_forms",
    "import_export",
    "pgtrigger",
    "pghistory",
    "django_migration_linter",
    "retailhub.core",
    "retailhub.outbox",
    "retailhub.accounting",
    "inventory",
    "customers",
    "orders",
    "purchasing",
    "channels",
    "retailhub.home",
]
try:
    import django_migration_linter  # noqa: F401
except ImportError:  # a development tool: a production environment is made without it
    INSTALLED_APPS.remove("django_migration_linter")

MIDDLEWARE = [
    "retailhub.core.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "retailhub.core.middleware.HistoryMiddleware",
    "retailhub.core.middleware.CleanInputMiddleware",
]

ROOT_URLCONF = "retailhub.urls"
WSGI_APPLICATION = "retailhub.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- data ------------------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {"default": environment.database(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = None if environment.flag("DATABASE_PERSISTENT", default=True) else 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,
    # 30 s for a page; workers and imports raise it for themselves
    "options": "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c lock_timeout=5s -c jit=off"
    # Only statements that ask for it are prepared; their plans do not depend on what is asked.
    " -c plan_cache_mode=force_generic_plan",
    **DATABASES["default"]["OPTIONS"],
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": BROKER_URL, "KEY_PREFIX": "retailhub"}
        if BROKER_URL.startswith(("redis://", "rediss://"))
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "retailhub.core.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = "/"

# --- language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文"), ("th", "ไทย"), ("fr", "Français")]
USE_TZ = True
TIME_ZONE = "UTC"

# --- files that browsers load ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = environment.folder("STATIC_ROOT", DATA_DIR / "static")
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise looks there first, then at the apps
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "files"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- security --------------------------------------------------------------------------------------------------------
# HTTPS=1 once TLS ends in front of the web processes; a laptop on http://127.0.0.1 leaves it off.
HTTPS = environment.flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("BEHIND_PROXY", default=False) else None
)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],  # the shell's Alpine build evaluates attributes, see SECURITY.md
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- REST API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "retailhub.core.api.authentication.ApiKeyAuthentication",
        "retailhub.core.api.authentication.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["retailhub.core.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["retailhub.core.api.rendering.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["retailhub.core.api.parsing.CleanJsonParser"],
    "DEFAULT_PAGINATION_CLASS": "retailhub.core.api.paging.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["retailhub.core.api.filtering.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "retailhub.core.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "retailhub",
    "DESCRIPTION": "One stock, one order book and one customer record for every channel.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": None,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["retailhub.core.api.schema.tidy"],
}

# --- background work (the database is the truth, Celery is a doorbell) -----------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 300,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "max_retries": 1,
    }
    if BROKER_URL.startswith("redis")
    else {"confirm_publish": True}  # RabbitMQ loses without a word what it did not confirm
)
CELERY_TASK_PUBLISH_RETRY = False  # a bell that does not ring is not worth a waiting customer: the sweep comes by
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox sweep": {"task": "retailhub.outbox.tasks.sweep", "schedule": 5.0},
    "expired reservations": {"task": "inventory.tasks.release_expired_reservations", "schedule": 30.0},
    "stock summary": {"task": "inventory.tasks.post_stock_summary", "schedule": 900.0},
    "papers to suppliers": {"task": "purchasing.tasks.send_papers", "schedule": 30.0},
    "purchase orders": {"task": "purchasing.tasks.look_after_orders", "schedule": 900.0},
    "waiting demand": {"task": "inventory.tasks.serve_who_waits", "schedule": 60.0},
    "stock sync sweep": {"task": "channels.tasks.sweep_stock_sync", "schedule": 2.0},
    "recount sweep": {"task": "channels.tasks.sweep_recounts", "schedule": 5.0},
    "inbox sweep": {"task": "channels.tasks.sweep_inbox", "schedule": 5.0},
    "order pull": {"task": "channels.tasks.pull_orders_of_all_accounts", "schedule": 30.0},
    "shipment sweep": {"task": "channels.tasks.sweep_shipments", "schedule": 30.0},
    "import sweep": {"task": "retailhub.home.tasks.sweep_imports", "schedule": 30.0},
    "old deliveries": {"task": "retailhub.outbox.tasks.forget_delivered", "schedule": 3600.0},
    "old idempotency keys": {"task": "retailhub.core.tasks.forget_old_keys", "schedule": 3600.0},
    "low stock": {"task": "purchasing.tasks.look_for_low_stock", "schedule": 3600.0},
}

for _entry in CELERY_BEAT_SCHEDULE.values():
    # With no worker about, ticks of the clock do not pile up.
    _entry["options"] = {"expires": max(5.0, _entry["schedule"])}
# Named here so that the ground floor need not import the roof.
CELERY_APPLICATION = "retailhub.celery.app"
OUTBOX_SUBSCRIPTIONS = "retailhub.subscriptions.SUBSCRIPTIONS"
ACCOUNTING_PROOFS = "retailhub.subscriptions.PROOFS"
ACCOUNTING_BEFORE_CLOSING = "retailhub.subscriptions.BEFORE_CLOSING"

# --- mail: orders to suppliers ----------------------------------------------------------------------------------------
# Without a mail server each message becomes a file, so that what would have been sent can be read.
EMAIL_HOST = environment.text("EMAIL_HOST")
EMAIL_PORT = environment.number("EMAIL_PORT", 587)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", default=EMAIL_PORT == 587)
EMAIL_USE_SSL = environment.flag("EMAIL_USE_SSL", default=EMAIL_PORT == 465)
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = environment.text("MAIL_FROM", "retailhub <purchasing@retailhub.invalid>")

# --- the trade -------------------------------------------------------------------------------------------------------
HOME_CURRENCY = environment.text("HOME_CURRENCY", "EUR")
# Who we are on papers; lines of the address are set apart by |
COMPANY_NAME = environment.text("COMPANY_NAME", "retailhub")
COMPANY_ADDRESS = environment.text("COMPANY_ADDRESS")
# How much more than ordered is kept without asking, where neither line nor supplier says otherwise.
OVER_DELIVERY_PERCENT = environment.number("OVER_DELIVERY_PERCENT", 0)
OVER_DELIVERY_UNITS = environment.number("OVER_DELIVERY_UNITS", 0)
# A supplier who has not confirmed an order after so many days is asked about it.
CONFIRM_WITHIN_DAYS = environment.number("CONFIRM_WITHIN_DAYS", 3)
IDEMPOTENCY_LEASE_SECONDS = 60
IDEMPOTENCY_KEEP_DAYS = 7
# Channels answer on the public internet; a Sandbox on this machine needs the loopback let through.
CHANNELS_ALLOW_LOOPBACK = environment.flag("CHANNELS_ALLOW_LOOPBACK", default=DEMO)

# --- logs ------------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "retailhub.core.middleware.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO")},
    "loggers": {
        **{name: {"level": "WARNING"} for name in ("httpx", "httpcore", "celery.app.trace", "celery.worker.strategy")},
        "celery.beat": {"level": "WARNING"},
    },
}

from retailhub.home.shell import UNFOLD  # noqa: E402, F401  the admin shell's menu lives with the pages it leads to
