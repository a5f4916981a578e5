#!/usr/bin/env python
"""Django's commands, and ours: `listen`, and what `help` lists. (The demo is `make demo`.)"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feedbackfive.settings")
    execute_from_command_line(sys.argv)
