import zoo_core  # noqa: F401  # before Keras, whose backend it chooses
