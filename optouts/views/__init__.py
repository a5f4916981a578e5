"""The pages of the opt-outs: the list, the notices, and the setting up of where notices arrive."""
