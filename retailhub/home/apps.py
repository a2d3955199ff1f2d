from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "retailhub.home"
    label = "home"
    verbose_name = "Home"
