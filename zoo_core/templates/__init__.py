"""What `zoo plugins new` fills in: `plugin/` for every kind of model, `models/` by kind."""
