"""Who answers the gate's question: one typed context in, one typed answer out."""
