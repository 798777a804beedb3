"""The edge: sockets, streams, documents and measurements; it translates and never decides."""
