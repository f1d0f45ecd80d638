"""Running a trained model: seeded sampling, reconstruction, grids."""
