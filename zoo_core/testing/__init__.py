"""The conformance kit that third parties run on their plugins. Empty as yet."""
