"""The web door."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "retailhub.settings")

application = get_wsgi_application()

# What start-up made stays until the end, and a request for 100 orders makes 50,000 objects that are all alive at once:
# looking through either for rubbish takes a fifth of the time of such a request and finds none.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
