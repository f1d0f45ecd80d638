"""The scaffold of a new plugin: files that are copied, not imported. Empty as yet; see docs/plugins.md."""
