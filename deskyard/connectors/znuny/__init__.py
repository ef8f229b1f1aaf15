"""The connector to Znuny and OTRS."""
