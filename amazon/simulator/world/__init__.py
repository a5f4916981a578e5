"""The demo world: three selling partners, their buyers and six weeks of orders."""
