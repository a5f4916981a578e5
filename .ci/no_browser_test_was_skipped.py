"""Fail when a browser test was skipped, or when there were none: a machine without Chromium must not look green."""

import sys
from xml.etree import ElementTree

cases = list(ElementTree.parse(sys.argv[1]).iter("testcase"))  # noqa: S314  our own file
browser = [case for case in cases if case.get("classname", "").startswith("tests.browser")]
skipped = [case.get("name") for case in browser if case.find("skipped") is not None]
print(f"{len(cases)} tests, {len(browser)} of them in a browser; skipped: {', '.join(map(str, skipped)) or 'none'}.")
sys.exit(bool(skipped) or not browser)
