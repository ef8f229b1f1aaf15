"""A desk's past tickets as a table to train on: columns, export, pull from a ticket store."""
