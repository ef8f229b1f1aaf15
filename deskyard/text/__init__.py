"""What a person wrote, made plain: cleaning, quoted replies, dates, highlighting, texts that say nothing."""
