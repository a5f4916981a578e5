"""The demo: the whole site on one machine, with a simulated Amazon. Not for production.

`python -m feedbackfive.demo` (which `make demo` calls) runs one supervisor; everything else is its child and dies
with it. The supervisor knows no Django: what needs the product's rows runs as `manage.py` commands.
"""
