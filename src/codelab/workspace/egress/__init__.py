"""The one way by which a box gets network: a proxy that opens named destinations only."""
