"""Which tickets are worth a person's label, and what each label still lacks."""
