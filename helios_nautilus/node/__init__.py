"""The composition root: a configuration goes in, a wired run comes out."""
