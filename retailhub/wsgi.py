"""The web door."""

import os

from django.core.wsgi import get_wsgi_application

from retailhub.core.rubbish import look_rarely

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")

application = get_wsgi_application()
look_rarely()
