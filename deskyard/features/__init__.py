"""Tickets to numbers: n-grams, vocabulary, latent semantic analysis, sentence encoders."""
