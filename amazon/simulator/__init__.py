"""A stand-in for Amazon: a stateful process of its own, for the demo and the tests.

Its place: outside the product. It is started by `python -m amazon.simulator` and reached through sockets only;
no module of the product imports it, and it imports none of the product's. What it accepts and refuses it decides by
its own reading of Amazon's published models and of `AMAZON.md`, so that a mistake in the product's
client is seen as Amazon would see it.

Doors: LWA and SP-API over HTTP, the buyer mail relay and people's mail over SMTP, keys over DNS, notices out over SMTP.
Facts live in one SQLite file: kill it at any moment, start it again, and nothing is lost.
"""
