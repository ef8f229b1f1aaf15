"""training: learn from yesterday. A history goes in; a bundle and an honest table come out."""
