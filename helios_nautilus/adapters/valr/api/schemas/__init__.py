"""The venue's replies, requests and events as structs, one file per subject."""
