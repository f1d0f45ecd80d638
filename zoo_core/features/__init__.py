"""Feature networks, the ground that distances between image sets stand on."""
