"""VALR's REST and sockets as typed Python, with no word of the trading engine: this part outlives a port."""
