"""VALR on a local port: a pure exchange core, its REST and socket faces, and scripted faults.

Nothing here is shared with the adapter, so that one mistake cannot hide in both. The core (`matching`, `ledger`,
`orders`, `positions`, `engine`, `venue`) does no I/O and takes the time as an argument; `server` and `sockets` put it
on a port; `faults` breaks it on purpose.
"""
