"""The doors to the buyer. Only `messaging.dispatch` may open one (an import contract holds this)."""
