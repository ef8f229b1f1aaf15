"""Text and dates: cleaning, quoted replies, date parsing, highlighting, texts without information."""
