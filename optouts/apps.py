from django.apps import AppConfig, apps


class OptoutsConfig(AppConfig):
    """Who must never be written to again."""

    name = "optouts"
    default = True


class CommandsOnly(AppConfig):
    """The app's commands without its rows, for tools that need no database (feedbackfive.settings_of_tools)."""

    name = "optouts"

    def import_models(self) -> None:
        self.models = apps.all_models[self.label]
