"""service: route today. A ticket comes in, is scored, decided and placed in one transaction."""
