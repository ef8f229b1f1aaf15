"""Tables of tickets in files: CSV, XLSX, JSON lines and Parquet in and out."""
