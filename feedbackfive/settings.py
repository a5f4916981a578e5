"""The settings of every site: production, demo and tests differ only in their environment.

Read by strict readers (`env.py`); `docs/operating.md` lists the variables.
"""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from feedbackfive import logs
from feedbackfive.env import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- The site -------------------------------------------------------------------------------------------------------

SECRET_KEY = env.secret("SECRET_KEY")
DEBUG = env.boolean("DEBUG", False)
SITE_URL = env.url("SITE_URL", schemes=("http", "https")).rstrip("/")
IS_DEMO = env.boolean("DEMO", False)
_site = urlsplit(SITE_URL)
_is_https = _site.scheme == "https"
ALLOWED_HOSTS = [_site.hostname or "", *env.text("MORE_HOSTS", " ").split(",")]
ALLOWED_HOSTS = [host.strip() for host in ALLOWED_HOSTS if host.strip()]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
ROOT_URLCONF = "feedbackfive.urls"
WSGI_APPLICATION = "feedbackfive.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "campaigns",
    "messaging",
    "optouts",
    "orders",
    "accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "feedbackfive.apps.FrameConfig",  # last: its admin has the last word on what operators see of the packages
]

MIDDLEWARE = [
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
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.access.SellerMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["feedbackfive.templatetags.page"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.access.seller_for_templates",
            ],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER_FILTER = "feedbackfive.reporting.Discreet"
DATABASES = {"default": environ.Env.db_url_config(env.url("DATABASE_URL", schemes=("postgres", "postgresql")))}
DATABASES["default"].update(CONN_MAX_AGE=300, CONN_HEALTH_CHECKS=True)
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 10,
    # On flash a page costs the same wherever it lies; by PostgreSQL's own figure, of discs, whole tables are read.
    # What is prepared (accounts/prepared.py) is planned once: it would be planned anew for each set of parameters.
    "options": "-c random_page_cost=1.1 -c jit=off -c plan_cache_mode=force_generic_plan",
} | DATABASES["default"].get("OPTIONS", {})
CACHE_URL = env.url("CACHE_URL", schemes=("redis", "rediss", "unix"))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Secrets of the trade -------------------------------------------------------------------------------------------

SEALING_KEYS = env.keys("SEALING_KEYS")  # Fernet keys: tokens, aliases, letters and raw mail rest under the first
LOOKUP_SECRET = env.key("LOOKUP_SECRET")  # the HMAC key of the suppression list: never change it without a re-key
LOOKUP_VERSION = env.integer("LOOKUP_VERSION", 1, least=1)
FORMER_LOOKUP_SECRETS = env.former_keys("FORMER_LOOKUP_SECRETS")  # "1:base64": see docs/rekeying.md
if LOOKUP_VERSION in FORMER_LOOKUP_SECRETS:
    raise ImproperlyConfigured("FEEDBACKFIVE_FORMER_LOOKUP_SECRETS names the version that is in use.")

# --- People ---------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SellerSignupForm"
ACCOUNT_ADAPTER = "feedbackfive.signup.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "FeedbackFive: "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _site.scheme
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXIES", 0, most=5)  # whose X-Forwarded-For rate limits believe
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "feedbackfive.second_factor.SecondFactorAdapter"
MFA_TOTP_ISSUER = "FeedbackFive"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _is_https  # browsers allow passkeys on http://localhost only

# --- Mail -----------------------------------------------------------------------------------------------------------

_email = env.smtp("EMAIL_URL")  # mail to people: verification, reminders
EMAIL_HOST, EMAIL_PORT = _email.hostname, _email.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.username or "", _email.password or ""
EMAIL_USE_SSL, EMAIL_USE_TLS = _email.scheme == "smtps", _email.scheme == "smtp+starttls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"FeedbackFive <no-reply@{_site.hostname}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

BUYER_RELAY = env.smtp("BUYER_RELAY_URL")  # mail to buyers' aliases, and nothing else
BUYER_MAIL_HOSTNAME = env.text("BUYER_MAIL_HOSTNAME", _site.hostname or "localhost")

INBOUND_DOMAIN = env.text("INBOUND_DOMAIN").lower()
INBOUND_LISTEN = env.text("INBOUND_LISTEN", "127.0.0.1:2525")
INBOUND_PROTOCOL = env.choice("INBOUND_PROTOCOL", "smtp", "lmtp")  # lmtp: a mail server of ours stands before it
INBOUND_CERTIFICATE = env.text("INBOUND_CERTIFICATE", " ").strip()  # path of a PEM chain; empty: no STARTTLS
INBOUND_CERTIFICATE_KEY = env.text("INBOUND_CERTIFICATE_KEY", " ").strip()  # path; empty: in the chain's file
MAILGUN_SIGNING_KEY = env.text("MAILGUN_SIGNING_KEY", " ").strip()  # these three open a webhook each
SES_TOPICS = frozenset(env.text("SES_TOPICS", " ").replace(",", " ").split())
POSTMARK_LOGIN = env.text("POSTMARK_LOGIN", " ").strip()  # user:password
INBOUND_USER = env.text("INBOUND_USER", " ").strip()  # whom the listener becomes once the port is bound
DNS_SERVER = env.text("DNS_SERVER", " ").strip()  # host:port; empty: the machine's own resolver

# --- Amazon ---------------------------------------------------------------------------------------------------------

AMAZON_CLIENT_ID = env.text("AMAZON_CLIENT_ID")
AMAZON_CLIENT_SECRET = env.text("AMAZON_CLIENT_SECRET")
AMAZON_APPLICATION_ID = env.text("AMAZON_APPLICATION_ID")
AMAZON_IS_DRAFT = env.boolean("AMAZON_IS_DRAFT", False)  # not published by Amazon yet: sellers agree to a beta
AMAZON_ENDPOINT = env.url("AMAZON_ENDPOINT", "", schemes=("http", "https"))  # empty: Amazon's own, by region
AMAZON_LOGIN_URL = env.url("AMAZON_LOGIN_URL", "https://api.amazon.com/auth/o2/token", schemes=("http", "https"))
AMAZON_CONSENT_URL = env.url("AMAZON_CONSENT_URL", "", schemes=("http", "https"))  # empty: Seller Central
# The SQS queue for ORDER_CHANGE; without one, polling alone brings the orders. AWS's own variables hold its keys.
AMAZON_QUEUE_URL = env.url("AMAZON_QUEUE_URL", "", schemes=("http", "https"))
AMAZON_QUEUE_ARN = env.text("AMAZON_QUEUE_ARN", " ").strip()
AMAZON_QUEUE_ENDPOINT = env.url("AMAZON_QUEUE_ENDPOINT", "", schemes=("http", "https"))  # for a stand-in only

# --- Work -----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.url("BROKER_URL", schemes=("redis", "rediss", "redis+socket"))
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_DB_REUSE_MAX = 1000  # tasks on one connection: a new one each costs more than most tasks
CELERY_TASK_TIME_LIMIT, CELERY_TASK_SOFT_TIME_LIMIT = 120, 90  # well under the visibility timeout
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# The rows are the jobs: a broker that was away for a moment is no reason to cut a hand-over down.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

ORDER_SYNC_SECONDS = env.integer("ORDER_SYNC_SECONDS", 177, least=5)  # Amazon grants one in 178.6, and saves up 20
WAKE_SECONDS = env.integer("WAKE_SECONDS", 10, least=1)  # how often the timetable looks for due rows
LEASE_SECONDS = env.integer(
    "LEASE_SECONDS", 900, least=5
)  # a claim or hand-over older than this belongs to a dead worker

# Of Amazon's daily cap of an account, kept back for what the seller writes by hand or with other tools.
DAILY_RESERVE = env.integer("DAILY_RESERVE_PERCENT", 10, most=90) / 100

# --- Pages ----------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
_packages = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("tabler/css", _packages / "@tabler/core/dist/css"),
    ("tabler/js", _packages / "@tabler/core/dist/js"),
    ("chart.js", _packages / "chart.js/dist"),
]
ICONS = _packages / "@tabler/icons/icons/outline"
_is_collected = env.boolean("STATIC_COLLECTED", False)  # production: served from what collectstatic has gathered
STATIC_ROOT = BASE_DIR / "collected-static" if _is_collected else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _is_collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _is_collected
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "feedbackfive"  # cookies ignore the port: keep clear of other sites on localhost
CSRF_COOKIE_NAME = "feedbackfive_csrf"
SECURE_SSL_REDIRECT = _is_https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _is_https else None
SECURE_HSTS_SECONDS = 31_536_000 if _is_https else 0

LOGGING_CONFIG = None
logs.configure(as_json=env.boolean("LOG_JSON", not IS_DEMO))

env.refuse_unknown()
