"""A desk's past as a table to train on: columns, export, pull from a ticket store."""
