"""Reads and writes tables of tickets: CSV, XLSX, JSON lines and Parquet."""
