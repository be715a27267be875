"""REST endpoints by subject: each class holds its endpoints as data and a thin method for each."""
