"""The journal: what every tier saw and said."""
