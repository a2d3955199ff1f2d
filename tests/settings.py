"""The project's settings, with what tests need otherwise: quick password hashes and no bell."""

import atexit
import shutil
import tempfile

from retailhub.settings import *  # noqa: F403

# Uploads are gone when the process ends.
MEDIA_ROOT = tempfile.mkdtemp(prefix="retailhub-uploads-")
atexit.register(shutil.rmtree, MEDIA_ROOT, ignore_errors=True)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = False
ALLOWED_HOSTS = ["*"]
CHANNELS_ALLOW_LOOPBACK = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WHITENOISE_AUTOREFRESH = True  # otherwise every test client looks through all static files first
