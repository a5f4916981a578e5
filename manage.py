#!/usr/bin/env python
"""Django's commands, and ours: `listen`, and what `help` lists. (The demo is `make demo`.)"""

import os
import sys

from django.core.management import execute_from_command_line

TOOLS = {"inspect_mail", "lint_template"}  # they need no site: no database, no environment

if __name__ == "__main__":
    if TOOLS.intersection(sys.argv[1:2]):
        os.environ["DJANGO_SETTINGS_MODULE"] = "feedbackfive.settings_of_tools"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")
    execute_from_command_line(sys.argv)
