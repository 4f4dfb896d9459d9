"""In which order attempts run on a bench, and how long all of it takes, said before it begins."""
